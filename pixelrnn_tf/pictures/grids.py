"""Grids of pictures, in numpy alone."""

import math
from collections.abc import Sequence

import numpy as np

from pixelrnn_tf.pictures.captions import with_words

LINE = 96  # The grey of the lines between images, and of pixels that are not known.


def square_grid(pictures: np.ndarray, columns: int | None = None, min_size: int = 512) -> np.ndarray:
    """Lay pictures out in a grid that is about square.

    Args:
        pictures: uint8 `(number, height, width, channels)`, with 1 or 3 channels.
        columns: pictures per row; by default the grid is about square.
        min_size: as in `byte_grid`.

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
    """One row per picture: the original, what was known of it, and its completions, with words above.

    Args:
        original: uint8 `(number, height, width, channels)`.
        known: bool `(height, width)`; pixels that are not known are shown in grey.
        completed: uint8 `(samples, number, height, width, channels)`.
        rows: names of the pictures, if they have any.

    Returns:
        uint8 `(height, width, channels)`.
    """
    occluded = np.where(known[..., None], original, np.uint8(LINE))
    words = ["original", "given", *(str(k) for k in range(1, len(completed) + 1))]
    return with_words(byte_grid(np.stack([original, occluded, *completed], axis=1)), rows, words)


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
