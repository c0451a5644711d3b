"""Grids of images as PNG files."""

import os

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.programs.files import written_beside
from pixelrnn_tf.programs.picture_grids import occlusion_panel, square_grid


def image_grid(images: np.ndarray, levels: int, columns: int | None = None, min_size: int = 512) -> np.ndarray:
    """Lay images out in a grid that is about square.

    Args:
        images: integer levels `(number, height, width, channels)`, with 1 or 3 channels.
        levels: number of levels.
        columns: images per row; by default the grid is about square.
        min_size: as in `pixelrnn_tf.programs.picture_grids.byte_grid`.

    Returns:
        uint8 `(height, width, channels)`.
    """
    return square_grid(to_bytes(np.asarray(images), levels), columns, min_size)


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
    return occlusion_panel(to_bytes(np.asarray(images), levels), known, to_bytes(np.asarray(completed), levels))


def write_png(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write uint8 `(height, width, channels)` as a PNG file."""
    with written_beside(path) as beside:
        beside.write_bytes(tf.io.encode_png(picture).numpy())
