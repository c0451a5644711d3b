"""Exports loaded back into Python."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from export.saved_model_writer import export_model
from pixelrnn_tf.models import NegativeLogLikelihood
from tests.support.networks import make_network, random_images


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = make_network("diagonal_bilstm", (5, 6, 1), num_blocks=1, dtype="mixed_bfloat16")
    exact = type(model).from_config({**model.get_config(), "dtype": "float32"})
    exact.set_weights(model.get_weights())
    return exact, export_model(model, tmp_path_factory.mktemp("base") / "half")


def test_an_export_loads_into_tensorflow(exported):
    exact, folder = exported
    reloaded = tf.saved_model.load(str(folder))
    images = tf.constant(random_images(exact, 3))
    logits = reloaded.signatures["logits"](images=images)["logits"]
    np.testing.assert_allclose(logits, exact(images), rtol=1e-5, atol=1e-5)
    draw = {"seed": tf.constant([[1, 2], [3, 4]]), "temperature": tf.ones(2)}
    first, second = (reloaded.signatures["sample"](**draw)["images"].numpy() for _ in range(2))
    assert np.array_equal(first, second), "a seed repeats its image"
    assert len(reloaded.weights) == len(exact.weights)
    with pytest.raises(tf.errors.InvalidArgumentError, match="images must hold levels from 0 to 3"):
        reloaded.signatures["score"](images=images + 4)


def test_an_export_is_a_layer(exported):
    exact, folder = exported
    images = random_images(exact, 3)
    layer = keras.layers.TFSMLayer(str(folder), call_endpoint="logits")
    np.testing.assert_allclose(layer(images)["logits"], exact(images), rtol=1e-5, atol=1e-5)
    inputs = keras.Input((5, 6, 1), dtype="uint8")
    scores = keras.layers.TFSMLayer(str(folder), call_endpoint="serving_default")(inputs)
    model = keras.Model(inputs, scores["log_prob"])
    expected = NegativeLogLikelihood(reduction=None)(images, exact(images))
    np.testing.assert_allclose(model.predict(images, verbose=0), -expected, rtol=1e-5)
