"""Generating and completing images, on TensorFlow and on JAX."""

from pixelrnn_tf.sampling.generate import check_temperature, generate
from pixelrnn_tf.sampling.inverse_cdf import draw_level

__all__ = ["check_temperature", "draw_level", "generate"]
