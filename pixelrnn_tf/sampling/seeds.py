"""Stateless seeds from integers, pairs of integers and tensors."""

import operator
from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.typing import Tensor, TensorLike


def stateless_seed(seed: TensorLike) -> Tensor:
    """Make a stateless seed, int32 `[2]`: the high and the low 32 bits of an integer, or a pair of integers.

    Args:
        seed: an integer of up to 64 bits, or a pair of integers of up to 32 bits: in Python, as an array or as a
            tensor.

    Raises:
        ValueError: for something else; and inside a graph for a pair of int64 or uint64, which may hold more.

    Example:

    >>> [np.array(stateless_seed(seed)).tolist() for seed in (3, np.uint8(3), ops.convert_to_tensor(3), [0, 3])]
    [[0, 3], [0, 3], [0, 3], [0, 3]]
    """
    known = concrete_value(seed)
    if known is not None:
        words = _words(known, seed)
        return ops.convert_to_tensor(np.array(words, "uint32").view("int32"), "int32")
    dtype, shape = keras.backend.standardize_dtype(seed.dtype), tuple(seed.shape)
    if "int" not in dtype or shape not in ((), (2,)):
        raise _not_a_seed(seed)
    if shape == (2,):
        return int32_words(seed, "seed")
    if dtype in ("uint8", "uint16", "uint32"):  # JAX has no int64 by default.
        low = ops.cast(seed, "int32")
        return ops.stack([ops.zeros_like(low), low])
    wide = seed if dtype == "uint64" else ops.cast(seed, "int64")
    return ops.stack([ops.cast(ops.right_shift(wide, 32), "int32"), ops.cast(wide, "int32")])


def int32_words(values: TensorLike, name: str) -> Tensor:
    """Integers of up to 32 bits as int32 of the same bits.

    Args:
        values: integers, or a tensor of them.
        name: of the argument, for errors.

    Raises:
        ValueError: for other numbers; and for a tensor of a graph, whose numbers are not known before it runs, of a
            dtype that has more bits.
    """
    known = concrete_value(values)
    if known is None:
        dtype = keras.backend.standardize_dtype(values.dtype)
        if dtype not in ("int8", "int16", "int32", "uint8", "uint16", "uint32"):
            raise ValueError(
                f"{name} must have a dtype of integers of up to 32 bits inside a graph, got {dtype}: cast it to int32."
            )
        return ops.cast(values, "int32")
    if known.size and (known.dtype.kind not in "iu" or known.min() < -(2**31) or known.max() >= 2**32):
        raise ValueError(f"{name} must hold integers of up to 32 bits, got {values!r}.")
    return ops.convert_to_tensor(known.astype("int64").astype("uint32").view("int32"), "int32")


def _words(known: np.ndarray, seed: Any) -> list[int]:
    """The two words of 32 bits of a seed whose value is known."""
    try:
        is_number = known.dtype.kind in "iuO" and known.size <= 2
        numbers = [operator.index(value) for value in known.ravel().tolist()] if is_number else []
    except TypeError:
        numbers = []
    if known.shape == () and numbers and -(2**63) <= numbers[0] < 2**64:
        return [numbers[0] >> 32 & 0xFFFFFFFF, numbers[0] & 0xFFFFFFFF]
    if known.shape == (2,) and numbers and all(-(2**31) <= value < 2**32 for value in numbers):
        return [value & 0xFFFFFFFF for value in numbers]
    raise _not_a_seed(seed)


def _not_a_seed(seed: Any) -> ValueError:
    return ValueError(f"seed must be an integer of up to 64 bits or a pair of integers of up to 32 bits, got {seed!r}.")
