"""Quantisation of sub-pixels, in exact integer arithmetic."""

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data.integers import check_integer
from pixelrnn_tf.typing import Tensor, TensorLike


def to_levels(values: TensorLike, levels: int, source_levels: int = 256) -> Tensor:
    """Map integers in `[0, source_levels)` to `round(value * (levels - 1) / (source_levels - 1))`, half rounded up.

    Args:
        values: integers of any dtype and shape: a tensor, or anything numpy reads as an array.
        levels: number of levels to map to, 2 to 256.
        source_levels: number of levels to map from, 2 to 256.

    Returns:
        uint8 in `[0, levels)` of the same shape, a tensor for a tensor and otherwise an array.

    Raises:
        ValueError: for numbers of levels out of range, or values that are no integers or out of range. In a
            graph the range of a tensor is checked when it runs, by a `tf.errors.InvalidArgumentError`.
    """
    levels = check_integer("levels", levels, 2, 256)
    source_levels = check_integer("source_levels", source_levels, 2, 256)
    if not tf.is_tensor(values):
        values = np.asarray(values)
    if not _is_integer(values):
        raise ValueError(f"Values must be integers, got {values.dtype.name}.")
    values = check_range(values, source_levels)
    values = tf.cast(values, tf.int32) if tf.is_tensor(values) else values.astype("int32")
    # The quotient v (L - 1) / (S - 1) plus one half, over the common denominator 2 (S - 1).
    scaled = (2 * values * (levels - 1) + source_levels - 1) // (2 * (source_levels - 1))
    return tf.cast(scaled, tf.uint8) if tf.is_tensor(scaled) else scaled.astype("uint8")


def to_bytes(levels_array: TensorLike, levels: int) -> Tensor:
    """Map level `l` of `levels` to the byte `round(l * 255 / (levels - 1))`, to show or save an image.

    `to_levels(to_bytes(l, levels), levels) == l` for every number of levels.

    Args:
        levels_array: integers in `[0, levels)` of any dtype and shape, a tensor or an array.
        levels: their number of levels, 2 to 256.

    Returns:
        uint8 of the same shape, a tensor for a tensor and otherwise an array.

    Raises:
        ValueError: as `to_levels`.
    """
    return to_levels(levels_array, 256, levels)


def _is_integer(values: Tensor) -> bool:
    return values.dtype.is_integer if tf.is_tensor(values) else np.issubdtype(values.dtype, np.integer)


def check_range(values: TensorLike, levels: int) -> Tensor:
    """Return integers unchanged if all of them are in `[0, levels)`.

    Raises:
        ValueError: if one is not; for a tensor of a graph, a `tf.errors.InvalidArgumentError` when it runs.
    """
    message = f"Values must be in [0, {levels})"
    if tf.is_tensor(values) and not hasattr(values, "numpy"):
        wide = tf.cast(values, tf.int64)
        within = tf.reduce_all((wide >= 0) & (wide < levels))
        with tf.control_dependencies(
            [tf.debugging.Assert(within, [message, tf.reduce_min(wide), tf.reduce_max(wide)])]
        ):
            return tf.identity(values)
    array = np.asarray(values)
    if array.size and (array.min() < 0 or array.max() >= levels):
        raise ValueError(f"{message}, got values from {array.min()} to {array.max()}.")
    return values
