"""The state every test starts from: one environment, three CPU devices, one seed; and the longest cases left out."""

import os

import pytest

from pixelrnn_cli import environment
from tests.support.program_server import ProgramServer
from tests.support.slow_cases import is_slow

# The environment of the programs, whatever the shell has set.
for variable in ("KERAS_BACKEND", "TF_CONFIG", "TF_CPU_ALLOCATOR_USE_BFC", "XLA_FLAGS"):
    os.environ.pop(variable, None)
# Tests compile much and compute little: without optimization, compiling takes a quarter less.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
environment.prepare()
with environment.quiet_loading():
    import keras
    import tensorflow as tf

# Before TensorFlow starts, for the tests that train on several replicas; operations go to the first unless told.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 3
)


@pytest.fixture(scope="session")
def programs():
    """Runs programs in processes of their own that need not import TensorFlow first."""
    server = ProgramServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef):
    """Seed the fixtures that several tests share, too: they must not depend on which test comes first."""
    if fixturedef.scope == "function":
        return (yield)
    keras.utils.set_random_seed(0)
    result = yield
    keras.utils.set_random_seed(0)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if is_slow(getattr(item, "originalname", item.name), item.name):
            item.add_marker(pytest.mark.slow)
