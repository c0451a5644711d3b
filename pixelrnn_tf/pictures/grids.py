"""Grids of pictures, as numpy arrays."""

import math
from collections.abc import Sequence

import numpy as np

from pixelrnn_tf.pictures.captions import with_words

LINE = 96  # Gray of the lines between images, and of unknown pixels.


def square_grid(pictures: np.ndarray, columns: int | None = None, min_size: int = 512) -> np.ndarray:
    """Arrange pictures in an approximately square grid.

    Args:
        pictures: uint8 `(number, height, width, channels)`, with 1 or 3 channels.
        columns: pictures per row; by default the grid is approximately square.
        min_size: see `byte_grid`.

    Returns:
        uint8 `(height, width, channels)`.
    """
    number = len(pictures)
    columns = columns or math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    cells = np.full((rows * columns, *pictures.shape[1:]), LINE, "uint8")
    cells[:number] = pictures
    return byte_grid(cells.reshape(rows, columns, *pictures.shape[1:]), min_size)


def occlusion_panel(
    original: np.ndarray, known: np.ndarray, completed: np.ndarray, rows: Sequence[str] = ()
) -> np.ndarray:
    """Draw one row per picture: the original, its known part, and its completions, with captions.

    Args:
        original: uint8 `(number, height, width, channels)`.
        known: bool `(height, width)`; unknown pixels are gray.
        completed: uint8 `(samples, number, height, width, channels)`.
        rows: names of the pictures, if any.

    Returns:
        uint8 `(height, width, channels)`.
    """
    occluded = np.where(known[..., None], original, np.uint8(LINE))
    words = ["original", "given", *(str(k) for k in range(1, len(completed) + 1))]
    return with_words(byte_grid(np.stack([original, occluded, *completed], axis=1)), rows, words)


def byte_grid(cells: np.ndarray, min_size: int = 512) -> np.ndarray:
    """Arrange rows of images with one-pixel lines between them, enlarged by an integer factor.

    Args:
        cells: uint8 `(rows, columns, height, width, channels)`.
        min_size: approximate minimum width of the grid, in pixels.

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
