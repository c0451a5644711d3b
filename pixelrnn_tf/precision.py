"""In what precision to compute what half precision is too coarse for."""

from typing import Any

from keras.backend import standardize_dtype


def at_least_float32(dtype: Any) -> str:
    """The dtype float64 for itself, and float32 for every other, by name."""
    return "float64" if standardize_dtype(dtype) == "float64" else "float32"
