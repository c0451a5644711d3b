"""Read, check, decode and fit many picture files on all cores."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data.decoding import MAX_PIXELS, Picture, decode_picture, picture_channels
from pixelrnn_tf.data.fit import fit_image
from pixelrnn_tf.progress import Progress
from pixelrnn_tf.regular_files import read_regular
from pixelrnn_tf.typing import ImageShape, Structure

# At 8 bytes per pixel, no picture of MAX_PIXELS needs a larger file; larger ones are not read.
MAX_BYTES = 8 * MAX_PIXELS
# Number of files per element of the pipeline.
BATCH = 64


@dataclasses.dataclass(frozen=True)
class PictureFile:
    """Properties of a picture file.

    Attributes:
        path: path of the file.
        digest: SHA-256 of its contents, in hexadecimal.
        channels: 1 if the file is gray, 3 if it is in color.
        transparent, animated, values, largest: see `decoding.Picture`.
    """

    path: str
    digest: str
    channels: int
    transparent: bool
    animated: bool
    values: tuple[int, int]
    largest: int


def read_files(
    paths: list[str], shape: ImageShape, keep: bool, value_range: tuple[int, int] | None = None
) -> tuple[list[PictureFile], np.ndarray | None]:
    """Read and decode every file once.

    Args:
        paths: paths of picture files.
        shape: requested `(height, width, channels)` of the images.
        keep: return the images too, and not only the properties of the files.
        value_range: see `decoding.decode_picture`.

    Returns:
        properties of the files, and the images, uint8 `(len(paths), height, width, channels)`, or None; in order.

    Raises:
        ValueError: if a file cannot be read; the message names the first one and the number of others.
    """

    kinds = (tf.uint8, tf.int32, tf.string, tf.string)
    function = functools.partial(_read_or_fault, value_range=value_range)

    def read(path: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pixels, numbers, digest, fault = tf.numpy_function(function, [path], kinds)
        facts = (tf.ensure_shape(numbers, (6,)), tf.ensure_shape(digest, ()), tf.ensure_shape(fault, ()))
        return (_fitted(pixels, shape), *facts) if keep else facts

    images = np.empty((len(paths), *shape), "uint8") if keep else None
    files: list[PictureFile] = []
    faults: list[str] = []
    with Progress("read", len(paths), "files", last_line=False) as progress:
        for batch in _each(paths, read).batch(BATCH).prefetch(1).as_numpy_iterator():
            if images is not None:
                images[len(files) : len(files) + len(batch[0])] = batch[0]
            for numbers, digest, fault in zip(*batch[-3:], strict=True):
                path = paths[len(files)]
                channels, transparent, animated, low, high, largest = map(int, numbers)
                facts = (channels, bool(transparent), bool(animated), (low, high), largest)
                files.append(PictureFile(path, digest.decode(), *facts))
                if fault:
                    faults.append(f"{path}: {fault.decode()}")
            progress.update(len(files))
    if faults:
        others = f" ({len(faults) - 1} others cannot be read either.)" if len(faults) > 1 else ""
        raise ValueError(f"Cannot read the image {faults[0]}{others}")
    return files, images


def stream_files(paths: list[str], shape: ImageShape, value_range: tuple[int, int] | None = None) -> tf.data.Dataset:
    """Stream the images of files, uint8 of the given shape, in order; each is read when it is reached.

    A file that can no longer be read raises a `tf.errors.InvalidArgumentError`.
    """

    def read(path: tf.Tensor) -> tf.Tensor:
        return _fitted(tf.numpy_function(functools.partial(_pixels, value_range=value_range), [path], tf.uint8), shape)

    return _each(paths, read)


def file_channels(path: str) -> int:
    """Number of channels of a picture file, 1 for gray or 3 for color, from its header.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        return picture_channels(_contents(path))
    except (ValueError, OSError) as error:
        raise ValueError(f"Cannot read the image {path}: {error}") from error


def _each(paths: list[str], function: Callable[[tf.Tensor], Structure]) -> tf.data.Dataset:
    """Apply a function to every path, in order, on all cores."""
    # Paths are bytes, since a name need not be UTF-8.
    names = tf.data.Dataset.from_tensor_slices([os.fsencode(path) for path in paths])
    return names.map(function, num_parallel_calls=tf.data.AUTOTUNE)


def _fitted(pixels: tf.Tensor, shape: ImageShape) -> tf.Tensor:
    pixels.set_shape((None, None, None))
    return fit_image(pixels, shape, 256)


def _contents(path: str | bytes) -> bytes:
    return read_regular(path, MAX_BYTES)


def _read_or_fault(path: bytes, value_range: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray, bytes, bytes]:
    """Return pixels, the properties of `PictureFile` as six numbers, the digest, and an error message or ""."""
    contents, fault = b"", ""
    picture = Picture(np.zeros((1, 1, 1), "uint8"))
    try:
        contents = _contents(path)
        picture = decode_picture(contents, value_range)
    except (ValueError, OSError) as error:
        fault = str(error)
    facts = [picture.channels, picture.transparent, picture.animated, *picture.values, picture.largest]
    numbers = np.array(facts, "int32")
    return picture.pixels, numbers, hashlib.sha256(contents).hexdigest().encode(), fault.encode()


def _pixels(path: bytes, value_range: tuple[int, int] | None) -> np.ndarray:
    try:
        return decode_picture(_contents(path), value_range).pixels
    except (ValueError, OSError) as error:
        raise ValueError(f"Cannot read the image {os.fsdecode(path)}: {error}") from error
