"""Stateless random numbers: keys, and binary images drawn from grey ones."""

import tensorflow as tf


def make_key(seed: int, *parts: int | tf.Tensor) -> tf.Tensor:
    """Key of stateless random numbers, int64 `(2,)`: a function of integers alone, of which some may be tensors.

    The algorithm is Philox everywhere, so that a key means the same numbers on every machine.
    """
    key = tf.constant([seed, 0], tf.int64)
    for part in parts:
        key = tf.random.experimental.stateless_fold_in(key, tf.cast(part, tf.int64), alg="philox")
    return key


def sample_binary(image: tf.Tensor, levels: int, key: tf.Tensor) -> tf.Tensor:
    """Draw a binary image: a sub-pixel is 1 with probability `value / (levels - 1)`.

    Args:
        image: integers in `[0, levels)` of any shape.
        levels: number of levels of the image.
        key: int64 `(2,)`, which alone determines the draw.

    Returns:
        uint8 of the same shape, 0 or 1.
    """
    # A whole number below levels - 1 is below the value with just that probability: 0 never, the last level always.
    draws = tf.random.stateless_uniform(tf.shape(image), key, 0, levels - 1, tf.int32, alg="philox")
    return tf.cast(draws < tf.cast(image, tf.int32), tf.uint8)
