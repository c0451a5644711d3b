"""Which numbers are levels, and what becomes of those that are none: scaled images are the usual mistake.

A level is a whole number in `[0, levels)`. A model that is called outside a graph refuses other numbers. Inside one,
where nothing can be raised, the logits and the likelihood of an image with a fraction are NaN. A whole number that is
out of range has the likelihood NaN everywhere.
"""

import numpy as np
from keras import ops
from keras.backend import is_float_dtype, standardize_dtype

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.typing import Tensor, TensorLike


def check_whole(values: TensorLike, name: str) -> None:
    """Check that numbers are whole, as far as they are known: inside a graph they are not.

    Args:
        values: levels of any shape and dtype. NaN passes, since it stays NaN.
        name: what they are, for the message.

    Raises:
        ValueError: if one is a fraction.
    """
    dtype = getattr(values, "dtype", None)
    if dtype is not None and not is_float_dtype(standardize_dtype(dtype)):
        return  # Whole for sure, and not worth a copy.
    known = concrete_value(values)
    if known is None or known.dtype.kind != "f":
        return
    fractions = known[~np.isnan(known) & (known != np.rint(known))]
    if fractions.size:
        raise ValueError(
            f"{name} must hold integer levels from 0 to levels - 1, got {fractions[0]:g}. The model scales images "
            "itself: pass them unscaled."
        )


def check_levels(values: TensorLike, levels: int, name: str) -> None:
    """Check that numbers are whole and in `[0, levels)`, as far as they are known.

    Args:
        values: of any shape and dtype.
        levels: number of values of a sub-pixel.
        name: of the numbers, for the message.

    Raises:
        ValueError: if one is not.
    """
    check_whole(values, name)
    known = concrete_value(values)
    if known is None or known.size == 0 or (known.min() >= 0 and known.max() < levels):
        return
    wrong = known[~((known >= 0) & (known < levels))][0]
    raise ValueError(f"{name} must hold integer levels from 0 to {levels - 1}, got {wrong:g}.")


def nan_for_wrong(values: Tensor, images: Tensor, valid: Tensor | None = None) -> Tensor:
    """Values of images, with NaN for every image with a number that is not whole, or whose condition is not valid.

    At the end, since a network may lose a NaN: the ReLU of one is zero on some devices.

    Args:
        values: `(batch, height, width, channels, parameters)`.
        images: `(batch, height, width, channels)`; integers cost nothing.
        valid: bool `(batch,)`; None if all are.
    """
    right = [] if valid is None else [valid]
    if is_float_dtype(standardize_dtype(images.dtype)):
        right.append(ops.all(ops.equal(images, ops.round(images)), axis=(1, 2, 3)))
    for condition in right:
        values = ops.where(condition[:, None, None, None, None], values, ops.cast(float("nan"), values.dtype))
    return values
