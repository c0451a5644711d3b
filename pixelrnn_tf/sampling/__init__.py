"""Generating and completing images, on every Keras backend."""

from pixelrnn_tf.sampling.generate import generate
from pixelrnn_tf.sampling.inverse_cdf import draw_level

__all__ = ["draw_level", "generate"]
