"""Stateless random keys, and binary images drawn from gray ones."""

import tensorflow as tf


def make_key(seed: int, *parts: int | tf.Tensor) -> tf.Tensor:
    """Make a key of stateless random numbers, int64 `(2,)`, from integers, some of which may be tensors.

    The algorithm is always Philox, so a key gives the same numbers on every machine.
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
        key: int64 `(2,)`, which fully determines the draw.

    Returns:
        uint8 of the same shape, 0 or 1.
    """
    # A uniform integer below levels - 1 is below the value with exactly that probability.
    draws = tf.random.stateless_uniform(tf.shape(image), key, 0, levels - 1, tf.int32, alg="philox")
    return tf.cast(draws < tf.cast(image, tf.int32), tf.uint8)
