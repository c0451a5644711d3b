"""Probabilities as whole numbers, the same on every machine, of logits that are only nearly the same.

Two ways of computing the same float64 logits differ in their last digits. Rounded to a grid of multiples of 2^-10 they
are equal, unless one lies as near a boundary of the grid as they differ; the encoder makes sure that none does, by
moving the grid (`pixelrnn_tf.compression.encoding`). From the grid on there are whole numbers alone: a logit is so many
grid steps below the highest of its sub-pixel, and its weight, the exponential of that, comes from a table.
"""

import functools

import numpy as np
from keras import ops

from pixelrnn_tf.typing import Tensor

# A grid step is 2^-GRID_BITS. The rounding costs a sub-pixel at most half a step, and on average its square.
GRID_BITS = 10
# The grid can be moved by k / OFFSETS of a step.
OFFSETS = 256
# The weight of the highest logit is 2^WEIGHT_BITS.
WEIGHT_BITS = 30

# Of the table's computation, far more than the weights need.
_FRACTION_BITS = 96


def grid_positions(logits: Tensor, offset: Tensor) -> Tensor:
    """Where logits lie on the moved grid, in steps. They are rounded to the nearest.

    Args:
        logits: float64, any shape.
        offset: 0 to OFFSETS - 1, float64 scalar.
    """
    return logits * float(2**GRID_BITS) + offset / float(OFFSETS)


def steps_below_highest(logits: Tensor, offset: Tensor) -> Tensor:
    """Whole grid steps from every logit up to the highest of its sub-pixel, at most `len(weight_table()) - 1`.

    Args:
        logits: float64 `(..., levels)`.
        offset: 0 to OFFSETS - 1, float64 scalar.

    Returns:
        int32 `(..., levels)`; what it is for logits that are not finite is not said.
    """
    below = cells_below_highest(grid_positions(logits, offset))
    return ops.cast(ops.minimum(below, float(len(weight_table()) - 1)), "int32")


def cells_below_highest(positions: Tensor) -> Tensor:
    """How many cells of the grid every position `(..., levels)` lies below the highest: whole numbers, in float64."""
    cells = ops.round(positions)
    return ops.max(cells, axis=-1, keepdims=True) - cells


def weights_of(steps: np.ndarray) -> np.ndarray:
    """The weights that belong to grid steps: float64 of the same shape, all of them whole numbers.

    Args:
        steps: integers, as `steps_below_highest` gives them.
    """
    return weight_table().take(steps, mode="clip")


@functools.cache
def weight_table() -> np.ndarray:
    """2^WEIGHT_BITS exp(-n / 2^GRID_BITS), rounded, for n = 0, 1, ... until it is 0, the last entry.

    It is computed in whole numbers of any size, since the exponential function of floats is another one in another
    library.

    Returns:
        float64 `(22005,)`.
    """
    one = 1 << _FRACTION_BITS
    factor = term = one  # To be exp(-2^-GRID_BITS), by its series.
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
