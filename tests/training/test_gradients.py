"""A batch computed in parts has the loss and the gradients of the whole."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.devices import strategies as devices
from pixelrnn_tf.devices.strategies import number_of_parts, parts_for_cores
from pixelrnn_tf.layers import Softmax
from pixelrnn_tf.models import negative_log_likelihood
from pixelrnn_tf.training.dropout import origins
from pixelrnn_tf.training.gradients import loss_and_gradients, sum_of_parts
from pixelrnn_tf.training.loss import nats_per_image
from tests.support.networks import make_network


@pytest.mark.parametrize(
    ("cores", "images", "parts"),
    [(2, 16, 2), (2, 8, 2), (2, 7, 1), (2, 4, 1), (1, 16, 1), (4, 16, 4), (16, 16, 4), (3, 16, 2), (64, 96, 24)],
)
def test_a_part_for_every_core_of_at_least_four_images(monkeypatch, cores, images, parts):
    monkeypatch.setattr(devices, "cores", lambda: cores)
    assert number_of_parts(images) == parts


def test_replicas_share_the_cores(monkeypatch):
    monkeypatch.setattr(devices, "cores", lambda: 4)
    names = [device.name for device in tf.config.list_logical_devices("CPU")][:2]
    with tf.distribute.MirroredStrategy(names).scope():
        assert number_of_parts(16) == 4 // len(names)


def test_parts_are_for_xla_and_for_what_is_computed_at_once(monkeypatch):
    monkeypatch.setattr(devices, "cores", lambda: 4)
    images = tf.reshape(tf.range(16), (16, 1))
    parts = parts_for_cores(images, jit_compile=True)
    assert [part.shape[0] for part in parts] == [4] * 4
    assert tf.concat(parts, 0).numpy().tolist() == images.numpy().tolist()
    assert len(parts_for_cores(images, jit_compile=True, accumulation=2)) == 2
    assert len(parts_for_cores(images, jit_compile=False)) == 1


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_loss_is_the_likelihood_with_its_gradient(jit_compile):
    levels = np.random.default_rng(0).integers(0, 17, (3, 4, 5, 3)).astype("uint8")
    logits = tf.constant(np.random.default_rng(1).normal(size=(3, 4, 5, 3, 17)), tf.float32)

    @tf.function(jit_compile=jit_compile)
    def compute():
        with tf.GradientTape() as tape:
            tape.watch(logits)
            nats = nats_per_image(Softmax(17), levels, logits, jit_compile)
        return nats, tape.gradient(nats, logits)

    nats, gradient = compute()
    np.testing.assert_allclose(nats, negative_log_likelihood(levels, logits), rtol=1e-6)
    expected = tf.nn.softmax(logits) - tf.one_hot(levels, 17)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("block", ["row_lstm", "diagonal_bilstm"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_parts_add_up_to_the_whole(monkeypatch, block, accumulation):
    model = make_network(block, (5, 6, 3))
    images = tf.constant(np.random.default_rng(0).integers(0, 4, (16, 5, 6, 3)), tf.uint8)
    origin = origins(0, tf.constant(5, tf.int64), tf.constant(0), 16)

    def compute(cores, accumulation=1, jit_compile=False):
        monkeypatch.setattr(devices, "cores", lambda: cores)
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
