"""From what users have as a seed to a stateless one; `pixelrnn_tf.sampling.noise` makes images' noise of it."""

import numbers
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp


def stateless_seed(seed: Any) -> tf.Tensor:
    """A stateless seed, int32 `[2]`: from one, from an integer of up to 64 bits, or a fresh one from None."""
    if isinstance(seed, numbers.Integral):
        halves = [int(seed) >> 32 & 0xFFFFFFFF, int(seed) & 0xFFFFFFFF]
        return tf.bitcast(tf.constant(halves, tf.uint32), tf.int32)
    return tfp.random.sanitize_seed(seed)
