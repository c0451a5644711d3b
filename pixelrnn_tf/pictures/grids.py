"""Grids of pictures, as numpy arrays."""

import math
from collections.abc import Sequence

import numpy as np

from pixelrnn_tf.pictures.captions import with_words

LINE = 96  # Gray of the lines between images, and of unknown pixels.
RED = (230, 30, 30)  # Color of redrawn pixels.
TRIPLES_PER_ROW = 3


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


def restoration_panel(before: np.ndarray, redrawn: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Draw pictures before and after restoration, with their redrawn pixels in red, with captions.

    Args:
        before: uint8 `(number, height, width, 1 or 3)`.
        redrawn: bool `(number, height, width, channels)`.
        after: like `before`.

    Returns:
        uint8 `(height, width, 3)`.
    """
    before, after = (np.broadcast_to(pictures, (*pictures.shape[:3], 3)) for pictures in (before, after))
    marked = np.where(redrawn.any(-1, keepdims=True), np.array(RED, "uint8"), before // 2 + 64)
    cells = np.stack([before, marked, after], axis=1)
    grid, columns = grid_of_groups(cells, TRIPLES_PER_ROW)
    return with_words(grid, columns=["before", "redrawn", "after"] * columns)


def grid_of_groups(groups: np.ndarray, per_row: int) -> tuple[np.ndarray, int]:
    """Arrange groups of pictures in rows, with the pictures of a group next to each other.

    Args:
        groups: uint8 `(number, pictures, height, width, channels)`.
        per_row: maximum number of groups in a row.

    Returns:
        the grid, uint8 `(height, width, channels)`, and the number of groups in a row.
    """
    columns = min(per_row, len(groups))
    rows = math.ceil(len(groups) / columns)
    cells = np.full((rows * columns, *groups.shape[1:]), LINE, "uint8")
    cells[: len(groups)] = groups
    return byte_grid(cells.reshape(rows, -1, *groups.shape[2:])), columns


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
