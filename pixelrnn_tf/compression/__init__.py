"""Lossless compression of images with a network, close to its likelihood in actual bytes."""

from pixelrnn_tf.compression.codec import Codec, Decoded, Encoded, compress, decompress
from pixelrnn_tf.compression.model_digest import model_digest

__all__ = ["Codec", "Decoded", "Encoded", "compress", "decompress", "model_digest"]
