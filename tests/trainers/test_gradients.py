"""A batch computed in parts has the loss and the gradients of the whole."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.networks import make_network
from trainers import devices
from trainers.devices import number_of_parts, parts_for_cores
from trainers.dropout import origins
from trainers.gradients import loss_and_gradients, sum_of_parts


@pytest.mark.parametrize(
    ("cores", "images", "parts"),
    [(2, 16, 2), (2, 8, 2), (2, 7, 1), (2, 4, 1), (1, 16, 1), (4, 16, 4), (16, 16, 4), (3, 16, 2), (64, 96, 24)],
)
def test_a_part_for_every_core_of_at_least_four_images(monkeypatch, cores, images, parts):
    monkeypatch.setattr(devices, "_cores", lambda: cores)
    assert number_of_parts(images) == parts


def test_replicas_share_the_cores(monkeypatch):
    monkeypatch.setattr(devices, "_cores", lambda: 4)
    names = [device.name for device in tf.config.list_logical_devices("CPU")][:2]
    with tf.distribute.MirroredStrategy(names).scope():
        assert number_of_parts(16) == 4 // len(names)


def test_parts_are_for_xla_and_for_what_is_computed_at_once(monkeypatch):
    monkeypatch.setattr(devices, "_cores", lambda: 4)
    images = tf.reshape(tf.range(16), (16, 1))
    parts = parts_for_cores(images, jit_compile=True)
    assert [part.shape[0] for part in parts] == [4] * 4
    assert tf.concat(parts, 0).numpy().tolist() == images.numpy().tolist()
    assert len(parts_for_cores(images, jit_compile=True, accumulation=2)) == 2
    assert len(parts_for_cores(images, jit_compile=False)) == 1


@pytest.mark.parametrize("block", ["row_lstm", "diagonal_bilstm"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_parts_add_up_to_the_whole(monkeypatch, block, accumulation):
    model = make_network(block, (5, 6, 3))
    images = tf.constant(np.random.default_rng(0).integers(0, 4, (16, 5, 6, 3)), tf.uint8)
    origin = origins(0, tf.constant(5, tf.int64), tf.constant(0), 16)

    def compute(cores, accumulation=1, jit_compile=False):
        monkeypatch.setattr(devices, "_cores", lambda: cores)
        function = loss_and_gradients(model, accumulation, jit_compile, dropout=0.5)

        @tf.function
        def run():
            parts = [parts_for_cores(values, jit_compile, accumulation) for values in (images, origin)]
            return sum_of_parts(
                [function(*part, tf.constant(32.0), tf.constant(3.0)) for part in zip(*parts, strict=True)]
            )

        return run()

    loss, by_parts = compute(2, accumulation, jit_compile=True)
    whole_loss, whole = compute(1)
    np.testing.assert_allclose(loss, whole_loss, rtol=1e-6)
    for part, one in zip(by_parts, whole, strict=True):
        np.testing.assert_allclose(part, one, rtol=1e-5, atol=1e-6 * np.abs(one).max())
