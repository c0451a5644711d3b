"""Distributions of images, for TensorFlow Probability."""

from pixelrnn_tf.distributions.discretized_categorical import discretized_categorical
from pixelrnn_tf.distributions.noise import image_noise

__all__ = ["discretized_categorical", "image_noise"]
