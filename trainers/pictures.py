"""Grids of images as PNG files."""

import math
import os

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import to_bytes
from trainers.files import written_beside


def image_grid(images: np.ndarray, levels: int, columns: int | None = None, min_size: int = 512) -> np.ndarray:
    """Lay images out in a grid with one-pixel lines between them, enlarged by a whole number.

    Args:
        images: integer levels `(number, height, width, channels)`, with 1 or 3 channels.
        levels: number of levels.
        columns: images per row; by default the grid is about square.
        min_size: the grid is enlarged until it is at least about this wide, in pixels.

    Returns:
        uint8 `(height, width, channels)`.
    """
    number, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    grid = np.full((rows, height + 1, columns, width + 1, channels), 96, "uint8")
    cells = np.full((rows * columns, height, width, channels), 96, "uint8")
    cells[:number] = to_bytes(np.asarray(images), levels)
    grid[:, 1:, :, 1:] = cells.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    grid = grid.reshape(rows * (height + 1), columns * (width + 1), channels)
    grid = np.pad(grid, ((0, 1), (0, 1), (0, 0)), constant_values=96)
    factor = max(1, round(min_size / grid.shape[1]))
    return grid.repeat(factor, axis=0).repeat(factor, axis=1)


def write_png(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write uint8 `(height, width, channels)` as a PNG file."""
    with written_beside(path) as beside:
        beside.write_bytes(tf.io.encode_png(picture).numpy())
