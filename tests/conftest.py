"""What every test starts from: quiet libraries, three CPU devices, a fixed seed, and the longest cases left out."""

import os

import pytest

from pixelrnn_cli.environment import quiet_loading
from tests.support.slow_cases import is_slow

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet_loading():
    import keras
    import tensorflow as tf

# Before TensorFlow starts, for the tests that train on several replicas; operations go to the first unless told.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 3
)


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if is_slow(getattr(item, "originalname", item.name), item.name):
            item.add_marker(pytest.mark.slow)
