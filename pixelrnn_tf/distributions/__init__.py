"""Distributions of images, for TensorFlow Probability."""

from pixelrnn_tf.distributions.discretized_categorical import discretized_categorical
from pixelrnn_tf.distributions.noise import image_noise
from pixelrnn_tf.distributions.pixel_distribution import PixelDistribution, stateless_seed

__all__ = ["PixelDistribution", "discretized_categorical", "image_noise", "stateless_seed"]
