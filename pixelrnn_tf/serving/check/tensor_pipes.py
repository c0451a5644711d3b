"""Exchange tensors with a loader process over pipes; `check_loader.cc` describes the format."""

import struct
from typing import IO

import numpy as np
import tensorflow as tf


def write_tensor(stream: IO[bytes], name: str, value: np.ndarray) -> None:
    """Write a tensor; strings are given as an array of `bytes` objects."""
    value = np.asarray(value)
    is_string = value.dtype.kind in "OS"
    dtype = tf.string if is_string else tf.as_dtype(value.dtype)
    contents = b"".join(_with_length(item) for item in value.ravel()) if is_string else value.tobytes()
    head = [name, dtype.as_datatype_enum, value.ndim, *value.shape, len(contents)]
    stream.write(" ".join(map(str, head)).encode() + b"\n" + contents)


def read_tensor(stream: IO[bytes]) -> tuple[str, np.ndarray]:
    """Read a tensor and its name."""
    name, dtype, rank, *rest = stream.readline().decode().split()
    shape, size = tuple(map(int, rest[: int(rank)])), int(rest[-1])
    contents, dtype = stream.read(size), tf.as_dtype(int(dtype))
    if dtype != tf.string:
        return name, np.frombuffer(contents, dtype.as_numpy_dtype).reshape(shape)
    strings, position = np.empty(int(np.prod(shape)), object), 0
    for k in range(len(strings)):
        (length,) = struct.unpack_from("<Q", contents, position)
        position += 8 + length
        strings[k] = contents[position - length : position]
    return name, strings.reshape(shape)


def _with_length(item: bytes) -> bytes:
    return struct.pack("<Q", len(item)) + item
