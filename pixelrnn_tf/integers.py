"""Checks of integer arguments."""

import operator
from typing import Any

import numpy as np


def checked_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return an integer of any kind, such as one of NumPy, as an int.

    Args:
        name: name of the argument, for the errors.
        value: the argument.
        low: smallest valid value.
        high: largest valid value; None for no limit.

    Raises:
        ValueError: if it is not an integer (booleans and floats are not), or out of range.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer, got {value!r} ({type(value).__name__}).") from None
    if high is not None and low > 1 and not low <= number <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {number}.")
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}.")
    if high is not None and number > high:
        raise ValueError(f"{name} must be at most {high}, got {number}.")
    return number


def within_int32(values: Any, most: int) -> Any:
    """Clip known integers of 32 or 64 bits to -1 or `most`, as int32; return anything else unchanged.

    JAX cuts 64 bits to 32 without an error, which can make a valid number of an invalid one.
    """
    if not isinstance(values, np.ndarray | np.generic | list | tuple):
        return values
    try:
        known = np.asarray(values)
    except (TypeError, ValueError, NotImplementedError):  # A ragged list, which fails later, or tensors of a graph.
        return values
    if known.dtype.name not in ("uint32", "int64", "uint64"):
        return values
    return np.clip(known, 0 if known.dtype.kind == "u" else -1, most).astype("int32")
