"""What every test starts from: quiet libraries, three CPU devices and a fixed seed."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf

from tests.support.slow_cases import is_slow

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
