"""Precision of computations for which half precision is too coarse."""

from typing import Any

from keras.backend import standardize_dtype


def at_least_float32(dtype: Any) -> str:
    """Return "float64" for float64, and "float32" for every other dtype."""
    return "float64" if standardize_dtype(dtype) == "float64" else "float32"
