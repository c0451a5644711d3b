"""Distributions of images, for TensorFlow Probability."""

from pixelrnn_tf.distributions.discretized_categorical import discretized_categorical

__all__ = ["discretized_categorical"]
