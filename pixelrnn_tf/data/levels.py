"""Quantization of sub-pixels, in exact integer arithmetic."""

import numpy as np
import tensorflow as tf

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.typing import Tensor, TensorLike


def to_levels(values: TensorLike, levels: int, source_levels: int = 256) -> Tensor:
    """Map integers in `[0, source_levels)` to `round(value * (levels - 1) / (source_levels - 1))`, half rounded up.

    Args:
        values: integers of any dtype and shape, as a tensor or anything that numpy converts to an array.
        levels: number of levels to map to, 2 to 256.
        source_levels: number of levels to map from, 2 to 256.

    Returns:
        uint8 in `[0, levels)` of the same shape: a tensor for a tensor, otherwise an array.

    Raises:
        ValueError: for invalid numbers of levels, or values that are not integers or out of range. In a graph, values
            out of range raise a `tf.errors.InvalidArgumentError` when it runs.
    """
    levels = checked_integer("levels", levels, 2, 256)
    source_levels = checked_integer("source_levels", source_levels, 2, 256)
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
        levels_array: integers in `[0, levels)` of any dtype and shape, as a tensor or an array.
        levels: their number of levels, 2 to 256.

    Returns:
        uint8 of the same shape: a tensor for a tensor, otherwise an array.

    Raises:
        ValueError: see `to_levels`.
    """
    return to_levels(levels_array, 256, levels)


def range_note(low: int, high: int, largest: int, value_range: tuple[int, int] | None, what: str) -> str:
    """Describe the range of the values found, with a warning if it is a small part of the possible range.

    Images that use less than a quarter of the range become nearly uniform, and their scores mean little.

    Args:
        low: the smallest value found.
        high: the largest value found.
        largest: the largest possible value; the smallest is 0.
        value_range: the values that become black and white, if given.
        what: description of the data, such as "16-bit files".
    """
    first, last = value_range or (0, largest)
    found = f"values from {low} to {high} in {what}"
    if 4 * (high - low) >= last - first:
        return found
    return (
        f"WARNING: {found}, less than a quarter of {first} to {last}, which becomes black to white. Map the range of "
        f"your images with --value_range=LOW,HIGH, such as --value_range={low},{max(high, low + 1)}"
    )


def check_value_range(value_range: tuple[int, int] | None) -> tuple[int, int] | None:
    """Convert a value range to two Python integers, or None.

    Raises:
        ValueError: if it is not two increasing integers from 0 to 65535.
    """
    if value_range is None:
        return None
    try:
        low, high = (checked_integer("value_range", value, 0, 65535) for value in value_range)
        if low < high:
            return low, high
    except (TypeError, ValueError):
        pass
    raise ValueError(f"value_range must be two increasing integers from 0 to 65535, LOW,HIGH; got {value_range}.")


def map_range(values: TensorLike, value_range: tuple[int, int]) -> Tensor:
    """Map integers linearly to bytes: the ends of a range to 0 and 255, rounded to nearest.

    Raises:
        ValueError: if a value is outside the range; in a graph, a `tf.errors.InvalidArgumentError`.
    """
    low, high = value_range
    values = check_range(values, high + 1, low)
    shifted = (tf.cast(values, tf.int32) if tf.is_tensor(values) else np.asarray(values).astype("int32")) - low
    scaled = (2 * 255 * shifted + high - low) // (2 * (high - low))
    return tf.cast(scaled, tf.uint8) if tf.is_tensor(scaled) else scaled.astype("uint8")


def _is_integer(values: Tensor) -> bool:
    return values.dtype.is_integer if tf.is_tensor(values) else np.issubdtype(values.dtype, np.integer)


def check_range(values: TensorLike, levels: int, low: int = 0) -> Tensor:
    """Return integers unchanged if all of them are in `[low, levels)`.

    Raises:
        ValueError: if one is not; in a graph, a `tf.errors.InvalidArgumentError` when it runs.
    """
    message = f"Values must be in [{low}, {levels})"
    if tf.is_tensor(values) and not hasattr(values, "numpy"):
        wide = tf.cast(values, tf.int64)
        within = tf.reduce_all((wide >= low) & (wide < levels))
        with tf.control_dependencies(
            [tf.debugging.Assert(within, [message, tf.reduce_min(wide), tf.reduce_max(wide)])]
        ):
            return tf.identity(values)
    array = np.asarray(values)
    if array.size and (array.min() < low or array.max() >= levels):
        raise ValueError(f"{message}, got values from {array.min()} to {array.max()}.")
    return values
