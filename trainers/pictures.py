"""Grids of images as PNG files."""

import math
import os

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import to_bytes
from trainers.files import written_beside

LINE = 96  # The grey of the lines between images, and of pixels that are not known.


def image_grid(images: np.ndarray, levels: int, columns: int | None = None, min_size: int = 512) -> np.ndarray:
    """Lay images out in a grid that is about square.

    Args:
        images: integer levels `(number, height, width, channels)`, with 1 or 3 channels.
        levels: number of levels.
        columns: images per row; by default the grid is about square.
        min_size: as in `byte_grid`.

    Returns:
        uint8 `(height, width, channels)`.
    """
    number = len(images)
    columns = columns or math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    cells = np.full((rows * columns, *images.shape[1:]), LINE, "uint8")
    cells[:number] = to_bytes(np.asarray(images), levels)
    return byte_grid(cells.reshape(rows, columns, *images.shape[1:]), min_size)


def byte_grid(cells: np.ndarray, min_size: int = 512) -> np.ndarray:
    """Lay rows of images out with one-pixel lines between them, enlarged by a whole number.

    Args:
        cells: uint8 `(rows, columns, height, width, channels)`.
        min_size: the grid is enlarged until it is at least about this wide, in pixels.

    Returns:
        uint8 `(height, width, channels)`.
    """
    rows, columns, height, width, channels = cells.shape
    grid = np.full((rows, height + 1, columns, width + 1, channels), LINE, "uint8")
    grid[:, 1:, :, 1:] = cells.transpose(0, 2, 1, 3, 4)
    grid = grid.reshape(rows * (height + 1), columns * (width + 1), channels)
    grid = np.pad(grid, ((0, 1), (0, 1), (0, 0)), constant_values=LINE)
    factor = max(1, round(min_size / grid.shape[1]))
    return grid.repeat(factor, axis=0).repeat(factor, axis=1)


def completion_panel(images: np.ndarray, known: np.ndarray, completed: np.ndarray, levels: int) -> np.ndarray:
    """One row per image: the original, what was known of it, and its completions.

    Args:
        images: integer levels `(number, height, width, channels)`.
        known: bool `(height, width)`; pixels that are not known are shown in grey.
        completed: integer levels `(samples, number, height, width, channels)`.
        levels: number of levels.

    Returns:
        uint8 `(height, width, channels)`.
    """
    original = to_bytes(np.asarray(images), levels)
    occluded = np.where(known[..., None], original, np.uint8(LINE))
    return byte_grid(np.stack([original, occluded, *to_bytes(np.asarray(completed), levels)], axis=1))


def write_png(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write uint8 `(height, width, channels)` as a PNG file."""
    with written_beside(path) as beside:
        beside.write_bytes(tf.io.encode_png(picture).numpy())
