"""Presets and weights written by an earlier version are read, and give the logits they gave then.

Of version 0.1.0 and Keras 3.15: `make_network(block, (3, 4, 3), hidden=4, head_hidden=4, num_blocks=1)`, saved.
"""

import pathlib

import keras
import numpy as np
import pytest

from pixelrnn_tf.models import PixelRNN

EARLIER = pathlib.Path(__file__).parents[1] / "support" / "earlier_preset"


def check_logits(model, block):
    then = np.load(EARLIER / f"{block}.npz")
    assert then["logits"].std() > 0.2
    np.testing.assert_allclose(np.array(model(then["images"])), then["logits"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("block", ["diagonal_bilstm", "pixel_cnn", "row_lstm"])
def test_an_earlier_preset_gives_the_logits_of_then(block):
    check_logits(PixelRNN.from_preset(EARLIER / block), block)


def test_an_earlier_file_of_weights_fits_the_network_of_today():
    model = PixelRNN((3, 4, 3), 4, block="row_lstm", num_blocks=1, hidden=4, head_hidden=4)
    model.load_weights(EARLIER / "row_lstm" / "model.weights.h5")
    check_logits(model, "row_lstm")


def test_an_earlier_model_file_gives_the_logits_of_then():
    check_logits(keras.models.load_model(EARLIER / "row_lstm.keras"), "row_lstm")
