"""Lossless compression of images by a network: its likelihood, in real bytes."""

from pixelrnn_tf.compression.codec import Codec, Decoded, Encoded, compress, decompress
from pixelrnn_tf.compression.model_digest import model_digest

__all__ = ["Codec", "Decoded", "Encoded", "compress", "decompress", "model_digest"]
