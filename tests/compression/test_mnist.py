"""The promise on real images: a file has the bytes of their likelihood under the pretrained network."""

import math
import os

import numpy as np
import pytest

from pixelrnn_tf import data
from pixelrnn_tf.compression import Codec
from pixelrnn_tf.models import PixelRNN
from tests.compression.test_codec import CHUNK, HEADER


@pytest.mark.slow
def test_the_pretrained_network_compresses_digits_to_their_likelihood():
    if not os.environ.get("TFDS_DATA_DIR"):
        pytest.skip("TFDS_DATA_DIR is not set: point it to a directory with binarized_mnist.")
    images = next(data.load("tfds:binarized_mnist").batches("test", 1000).as_numpy_iterator())
    codec = Codec(PixelRNN.from_preset("mnist_diagonal_bilstm_7x16"), jit_compile=True)
    encoded = codec.encode(images)
    assert len(encoded.data) <= 1.001 * encoded.model_bits / 8 + 64
    # Nothing is lost but the frame, a word of the coder, and offsets of three batches.
    assert len(encoded.data) <= 1.0001 * encoded.model_bits / 8 + HEADER + CHUNK + 2 + 8
    assert encoded.model_bits == pytest.approx(encoded.nats.sum() / math.log(2))
    assert np.array_equal(codec.decode(encoded.data).images, images)
