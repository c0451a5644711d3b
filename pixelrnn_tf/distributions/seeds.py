"""From what users have as a seed to a stateless one; `pixelrnn_tf.sampling.noise` makes images' noise of it."""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from pixelrnn_tf.typing import TensorLike


def stateless_seed(seed: TensorLike | None) -> tf.Tensor:
    """A stateless seed, int32 `[2]`.

    Args:
        seed: an integer of up to 64 bits, or a pair of integers of up to 32 bits, as a stateless seed is one: of
            Python, as an array or as a tensor. None for a fresh seed.

    Raises:
        ValueError: for something else.

    Example:

    >>> [stateless_seed(seed).numpy().tolist() for seed in (3, np.uint8(3), tf.constant(3), [0, 3])]
    [[0, 3], [0, 3], [0, 3], [0, 3]]
    """
    if seed is None:
        return tfp.random.sanitize_seed(None)
    is_tensor = tf.is_tensor(seed) or isinstance(seed, tf.Variable)
    values: Any = tf.convert_to_tensor(seed) if is_tensor else np.asarray(seed)
    is_integer = values.dtype.is_integer if is_tensor else values.dtype.kind in "iu"
    if not is_integer or values.shape not in ((), (2,)):
        raise ValueError(
            f"seed must be an integer of up to 64 bits or a pair of integers of up to 32 bits, got {seed!r}."
        )
    if not is_tensor:
        return tf.constant(_signed_halves(values), tf.int32)
    if values.shape.rank == 1:
        return tf.cast(values, tf.int32)
    wide = values if values.dtype == tf.uint64 else tf.cast(values, tf.int64)
    return tf.reverse(tf.bitcast(wide, tf.int32), [0])  # The lower half comes first.


def _signed_halves(values: np.ndarray) -> list[int]:
    if values.ndim == 0:
        number = int(values)
        halves = [number >> 32, number]
    else:
        halves = [int(value) for value in values]
        if not all(-(2**31) <= value < 2**32 for value in halves):
            raise ValueError(f"The two integers of a seed must have up to 32 bits, got {halves}.")
    unsigned = [half & 0xFFFFFFFF for half in halves]
    return [half - 2**32 if half >= 2**31 else half for half in unsigned]
