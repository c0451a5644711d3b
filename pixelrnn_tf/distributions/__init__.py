"""Distributions of images, for TensorFlow Probability."""

from pixelrnn_tf.distributions.discretized_categorical import discretized_categorical
from pixelrnn_tf.distributions.pixel_distribution import PixelDistribution
from pixelrnn_tf.sampling import image_noise, image_seeds, stateless_seed

__all__ = ["PixelDistribution", "discretized_categorical", "image_noise", "image_seeds", "stateless_seed"]
