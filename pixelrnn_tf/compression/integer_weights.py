"""Integer probabilities that are the same on every machine, from logits that are only nearly equal.

Two ways of computing the same float64 logits differ in their last digits. Rounded to a grid of multiples of 2^-10 they
are equal, unless a logit is closer to a boundary of the grid than they differ. The encoder excludes this by shifting
the grid (`pixelrnn_tf.compression.encoding`). All further computation is in integers: a logit is a number of grid steps
below the highest one of its sub-pixel, and its weight, the exponential of that, comes from a table.
"""

import functools

import numpy as np
from keras import ops

from pixelrnn_tf.typing import Tensor

# A grid step is 2^-GRID_BITS. Rounding costs at most half a step per sub-pixel, and on average its square.
GRID_BITS = 10
# The grid can be shifted by k / OFFSETS of a step.
OFFSETS = 256
# The weight of the highest logit is 2^WEIGHT_BITS.
WEIGHT_BITS = 30

# Precision of the table's computation, far more than the weights need.
_FRACTION_BITS = 96


def grid_positions(logits: Tensor, offset: Tensor) -> Tensor:
    """Positions of logits on the shifted grid, in steps, before rounding to the nearest.

    Args:
        logits: float64, any shape.
        offset: 0 to OFFSETS - 1, float64 scalar.
    """
    return logits * float(2**GRID_BITS) + offset / float(OFFSETS)


def steps_below_highest(logits: Tensor, offset: Tensor) -> Tensor:
    """Number of grid steps from every logit to the highest one of its sub-pixel, at most `len(weight_table()) - 1`.

    Args:
        logits: float64 `(..., levels)`.
        offset: 0 to OFFSETS - 1, float64 scalar.

    Returns:
        int32 `(..., levels)`; undefined for logits that are not finite.
    """
    below = cells_below_highest(grid_positions(logits, offset))
    return ops.cast(ops.minimum(below, float(len(weight_table()) - 1)), "int32")


def cells_below_highest(positions: Tensor) -> Tensor:
    """Number of grid cells from every position `(..., levels)` to the highest: integers in float64."""
    cells = ops.round(positions)
    return ops.max(cells, axis=-1, keepdims=True) - cells


def weights_of(steps: np.ndarray) -> np.ndarray:
    """Look up the weights of grid steps: float64 of the same shape, all integers.

    Args:
        steps: integers from `steps_below_highest`.
    """
    return weight_table().take(steps, mode="clip")


@functools.cache
def weight_table() -> np.ndarray:
    """Table of 2^WEIGHT_BITS exp(-n / 2^GRID_BITS), rounded, for n = 0, 1, ... up to the first 0.

    It is computed with Python's integers, since floating-point exponential functions differ between libraries.

    Returns:
        float64 `(22005,)`.
    """
    one = 1 << _FRACTION_BITS
    factor = term = one  # exp(-2^-GRID_BITS), by its series.
    order = 0
    while term:
        order += 1
        term //= order << GRID_BITS
        factor += -term if order % 2 else term
    entries: list[int] = []
    value = one
    shift = _FRACTION_BITS - WEIGHT_BITS
    while not entries or entries[-1]:
        entries.append((value + (1 << (shift - 1))) >> shift)
        value = value * factor >> _FRACTION_BITS
    return np.array(entries, "float64")
