"""Subsample images to every k-th pixel, and merge a smaller image into a larger one."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from pixelrnn_tf.typing import Tensor


def every_kth(values: Tensor, stride: int) -> Tensor:
    """Select every `stride`-th row and column of `(batch, height, width, ...)`, from the first."""
    return values if stride == 1 else values[:, ::stride, ::stride]


def fixed_pixels(height: int, width: int, factor: int) -> np.ndarray:
    """Mask of the pixels that an image takes from one `factor` times smaller: bool `(height, width)`."""
    return (np.arange(height)[:, None] % factor == 0) & (np.arange(width) % factor == 0)


def new_pixels(height: int, width: int, strides: Sequence[int]) -> list[np.ndarray]:
    """Masks of the pixels that each scale counts: those that no smaller scale has.

    Args:
        height: rows of the full image.
        width: columns of the full image.
        strides: strides of the scales, from the smallest image to the full one, whose stride is 1.

    Returns:
        bool `(height, width)` for each scale; together they count every pixel once.
    """
    of_scales, counted = [], np.zeros((height, width), bool)
    for stride in strides:
        reached = fixed_pixels(height, width, stride)
        of_scales.append(reached & ~counted)
        counted = reached
    return of_scales


def with_small(large: Tensor, small: Tensor) -> Tensor:
    """Replace every k-th pixel of the large values by the small ones.

    Args:
        large: `(batch, height, width, ...)`.
        small: `(batch, height / k, width / k, ...)`, in the same dtype.
    """
    height, width, *rest = large.shape[1:]
    rows, columns = small.shape[1:3]
    factor = height // rows
    pixels = (rows, factor, columns, factor)
    spread = ops.broadcast_to(small[:, :, None, :, None], (ops.shape(small)[0], *pixels, *rest))
    spread = ops.reshape(spread, (-1, height, width, *rest))
    fixed = ops.reshape(fixed_pixels(height, width, factor), (1, height, width, *[1] * len(rest)))
    return ops.where(fixed, spread, large)
