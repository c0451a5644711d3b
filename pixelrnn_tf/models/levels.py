"""Validation of levels; a common mistake is to pass scaled images.

A level is an integer in `[0, levels)`. Outside a graph, other numbers raise an error. Inside a graph, which cannot
raise, the logits and the likelihood of an image with a fraction are NaN. An integer out of range always gives the
likelihood NaN there.
"""

import numpy as np
from keras import ops
from keras.backend import is_float_dtype, standardize_dtype

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.integers import within_int32
from pixelrnn_tf.typing import Tensor, TensorLike

# A number clipped to it is still invalid.
MORE_THAN_ANY_LEVEL = 2**15


def check_whole(values: TensorLike, name: str) -> None:
    """Check that known numbers are integers; values inside a graph are unknown.

    Args:
        values: levels of any shape and dtype. NaN passes, since it stays NaN.
        name: name of the values in the error message.

    Raises:
        ValueError: if one is a fraction.
    """
    dtype = getattr(values, "dtype", None)
    if dtype is not None and not is_float_dtype(standardize_dtype(dtype)):
        return  # Integers by dtype; no copy needed.
    known = concrete_value(values)
    if known is None or known.dtype.kind != "f":
        return
    fractions = known[~np.isnan(known) & (known != np.rint(known))]
    if fractions.size:
        unscaled = "pass them unscaled" if np.abs(fractions).max() <= 1 else "round resized images, as with np.rint"
        raise ValueError(
            f"{name} must hold integer levels from 0 to levels - 1, got {fractions[0]:g}. The model scales images "
            f"itself: {unscaled}."
        )


def check_levels(values: TensorLike, levels: int, name: str) -> None:
    """Check that known numbers are integers in `[0, levels)`.

    Args:
        values: numbers of any shape and dtype.
        levels: number of values of a sub-pixel.
        name: name of the values in the error message.

    Raises:
        ValueError: if one is not.
    """
    check_whole(values, name)
    known = concrete_value(values)
    if known is None or known.size == 0 or (known.min() >= 0 and known.max() < levels):
        return
    wrong = known[~((known >= 0) & (known < levels))][0]
    raise ValueError(f"{name} must hold integer levels from 0 to {levels - 1}, got {wrong:g}.")


def level_tensor(values: TensorLike) -> Tensor:
    """Convert levels to a tensor, in which known integers of 64 bits stay invalid where they are invalid levels."""
    return ops.convert_to_tensor(within_int32(values, MORE_THAN_ANY_LEVEL))


def nan_for_wrong(values: Tensor, images: Tensor, valid: Tensor | None = None) -> Tensor:
    """Replace the values of invalid images by NaN: images with fractions, or whose condition is not valid.

    This is done last, since a network may lose a NaN: the ReLU of NaN is zero on some devices.

    Args:
        values: `(batch, height, width, channels, parameters)`.
        images: `(batch, height, width, channels)`; integer dtypes need no check.
        valid: bool `(batch,)`; None if all are.
    """
    right = [] if valid is None else [valid]
    if is_float_dtype(standardize_dtype(images.dtype)):
        right.append(ops.all(ops.equal(images, ops.round(images)), axis=(1, 2, 3)))
    for condition in right:
        values = ops.where(condition[:, None, None, None, None], values, ops.cast(float("nan"), values.dtype))
    return values
