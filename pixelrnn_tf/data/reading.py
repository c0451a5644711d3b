"""Many picture files at a time: read, checked, decoded and fitted on all cores."""

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

# No picture of MAX_PIXELS needs a larger file, at 8 bytes a pixel; a larger one is not even read.
MAX_BYTES = 8 * MAX_PIXELS
# So many files pass through the pipeline as one element.
BATCH = 64


@dataclasses.dataclass(frozen=True)
class PictureFile:
    """What is known of a picture file that was read.

    Attributes:
        path: where it is.
        digest: SHA-256 of its contents, in hexadecimal.
        channels: 1 if the file is grey, 3 if it is in colour.
        transparent, animated, values, largest: as of `decoding.Picture`.
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
        paths: of picture files.
        shape: `(height, width, channels)` to give the images.
        keep: whether to return the images too, and not only whether and what they are.
        value_range: as of `decoding.decode_picture`.

    Returns:
        what the files are, and the images uint8 `(len(paths), height, width, channels)`, or None; in order.

    Raises:
        ValueError: naming the first file that cannot be read, and how many others.
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
    """The images of files, uint8 of the given shape, in order, each read when it is reached.

    One that can no longer be read raises a `tf.errors.InvalidArgumentError`.
    """

    def read(path: tf.Tensor) -> tf.Tensor:
        return _fitted(tf.numpy_function(functools.partial(_pixels, value_range=value_range), [path], tf.uint8), shape)

    return _each(paths, read)


def file_channels(path: str) -> int:
    """1 for a grey picture and 3 for a colour one, by its header.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        return picture_channels(_contents(path))
    except (ValueError, OSError) as error:
        raise ValueError(f"Cannot read the image {path}: {error}") from error


def _each(paths: list[str], function: Callable[[tf.Tensor], Structure]) -> tf.data.Dataset:
    """A function of the path of every file, in order, on all cores."""
    # As bytes: a name need not be UTF-8.
    names = tf.data.Dataset.from_tensor_slices([os.fsencode(path) for path in paths])
    return names.map(function, num_parallel_calls=tf.data.AUTOTUNE)


def _fitted(pixels: tf.Tensor, shape: ImageShape) -> tf.Tensor:
    pixels.set_shape((None, None, None))
    return fit_image(pixels, shape, 256)


def _contents(path: str | bytes) -> bytes:
    return read_regular(path, MAX_BYTES)


def _read_or_fault(path: bytes, value_range: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray, bytes, bytes]:
    """Pixels, what `PictureFile` tells as six numbers, the digest, and what is wrong, if something is."""
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
