"""Exports loaded back into Python."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.models import NegativeLogLikelihood
from tests.support.networks import random_images


def test_an_export_loads_into_tensorflow(gray_export, caplog):
    exact, folder = gray_export
    reloaded = tf.saved_model.load(str(folder))
    assert not caplog.records, "nothing is warned of"
    images = tf.constant(random_images(exact, 3))
    logits = reloaded.signatures["logits"](images=images)["logits"]
    np.testing.assert_allclose(logits, exact(images), rtol=1e-5, atol=1e-5)
    draw = {"seed": tf.constant([[1, 2], [3, 4]]), "temperature": tf.ones(2)}
    first, second = (reloaded.signatures["sample"](**draw)["images"].numpy() for _ in range(2))
    assert np.array_equal(first, second), "a seed repeats its image"
    assert len(reloaded.weights) == len(exact.weights)
    with pytest.raises(tf.errors.InvalidArgumentError, match="images must hold levels from 0 to 3"):
        reloaded.signatures["score"](images=images + 4)


def test_an_export_has_the_gradients_of_the_model(gray_export):
    exact, folder = gray_export
    reloaded = tf.saved_model.load(str(folder))
    images = tf.constant(random_images(exact, 2))
    with tf.GradientTape() as tape:
        nats = -tf.reduce_mean(reloaded.signatures["score"](images=images)["log_prob"])
    found = tape.gradient(nats, reloaded.weights)
    with tf.GradientTape() as tape:
        nats = NegativeLogLikelihood()(images, exact(images))
    for got, weight, wanted in zip(found, exact.weights, tape.gradient(nats, exact.weights), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4, err_msg=weight.path)


def test_an_export_is_a_layer(gray_export):
    exact, folder = gray_export
    images = random_images(exact, 3)
    layer = keras.layers.TFSMLayer(str(folder), call_endpoint="logits")
    np.testing.assert_allclose(layer(images)["logits"], exact(images), rtol=1e-5, atol=1e-5)
    inputs = keras.Input((5, 6, 1), dtype="uint8")
    scores = keras.layers.TFSMLayer(str(folder), call_endpoint="serving_default")(inputs)
    model = keras.Model(inputs, scores["log_prob"])
    expected = NegativeLogLikelihood(reduction=None)(images, exact(images))
    np.testing.assert_allclose(model.predict(images, verbose=0), -expected, rtol=1e-5)
