"""Draw, complete and restore images, on TensorFlow and on JAX."""

from pixelrnn_tf.sampling.differentiable import sample_and_log_prob
from pixelrnn_tf.sampling.generation import generate
from pixelrnn_tf.sampling.inverse_cdf import draw_level
from pixelrnn_tf.sampling.noise import image_noise, image_seeds
from pixelrnn_tf.sampling.restoration import restore
from pixelrnn_tf.sampling.seeds import stateless_seed
from pixelrnn_tf.sampling.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, check_temperature

__all__ = [
    "MAX_TEMPERATURE",
    "MIN_TEMPERATURE",
    "check_temperature",
    "draw_level",
    "generate",
    "image_noise",
    "image_seeds",
    "restore",
    "sample_and_log_prob",
    "stateless_seed",
]
