"""Folders of small pictures for tests."""

import hashlib
import pathlib

import numpy as np
from PIL import Image

from pixelrnn_tf.data import ImageData


def write_picture(path: pathlib.Path, pixels: np.ndarray | list) -> None:
    """Write integers `(height, width)` or `(height, width, channels)` as a picture file, in its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels, "uint8")
    Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(path)


def write_numbered(folder: pathlib.Path, numbers: range | list[int], suffix: str = ".png") -> None:
    """Write gray 3x4 pictures that are their number everywhere."""
    for number in numbers:
        write_picture(folder / f"{number:03}{suffix}", np.full((3, 4), number))


def all_images(data: ImageData, split: str) -> np.ndarray:
    """The images of a split in order, uint8 `(size, height, width, channels)`."""
    return np.concatenate(list(data.batches(split, 4).as_numpy_iterator()))


def numbers_of(data: ImageData) -> dict[str, list[int]]:
    """For every split the numbers of its numbered pictures, in order."""
    return {key: all_images(data, key)[:, 0, 0, 0].tolist() for key in data.splits}


def sha256_place(path: pathlib.Path) -> float:
    """Where in [0, 1) the SHA-256 of a file lies."""
    return int(hashlib.sha256(path.read_bytes()).hexdigest(), 16) / 2**256
