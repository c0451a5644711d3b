"""Metadata of a model in a server: its signatures, and the state of its versions."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

# TensorFlow's names of the types in our signatures, and numpy's.
DTYPES = {
    "DT_BOOL": "bool",
    "DT_FLOAT": "float32",
    "DT_INT32": "int32",
    "DT_STRING": "object",
    "DT_UINT8": "uint8",
}
# The entries of an export's card that the signature `describe` tells.
CARD_KEYS = ("model", "preset", "data", "scores", "max_batch_size", "class_names", "examples")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output of a signature.

    Attributes:
        dtype: name of the numpy dtype; "object" for byte strings.
        shape: size of each axis, None if it varies; None if the rank is unknown.
    """

    dtype: str
    shape: tuple[int | None, ...] | None

    @classmethod
    def read(cls, dtype: str, sizes: list[int], unknown_rank: bool) -> "Tensor":
        """Convert TensorFlow's type name, and sizes in which -1 means any."""
        shape = None if unknown_rank else tuple(None if n < 0 else n for n in sizes)
        return cls(DTYPES.get(dtype, dtype), shape)


@dataclasses.dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a signature by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclasses.dataclass(frozen=True)
class VersionState:
    """State of a version of a model: "START", "LOADING", "AVAILABLE", "UNLOADING" or "END", and a message."""

    version: int
    state: str
    message: str = ""


def as_input(name: str, value: Any, tensor: Tensor) -> np.ndarray:
    """Convert a value losslessly to the array that a server takes.

    Raises:
        ValueError: for values that the type cannot hold. A server would read 259 for a uint8 as 3.
    """
    if tensor.dtype == "object":
        if isinstance(value, bytes | str) or not all(isinstance(item, bytes) for item in value):
            raise ValueError(f"{name} must be a list of bytes, the contents of one file each.")
        return np.array(list(value), object)
    array, dtype = np.asarray(value), np.dtype(tensor.dtype)
    if dtype.kind == "f":
        if array.dtype.kind not in "fiu":
            raise ValueError(f"{name} must be numbers, got {array.dtype.name}.")
        return array.astype(dtype)
    if array.dtype.kind not in "biu":
        raise ValueError(f"{name} must be integers, got {array.dtype.name}.")
    if dtype.kind == "b" and set(np.unique(array)) <= {0, 255}:
        return array != 0  # A mask from a picture.
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if array.size and (array.min() < low or array.max() > high):
        raise ValueError(f"{name} must be in [{low}, {high}], got values from {array.min()} to {array.max()}.")
    return array.astype(dtype)
