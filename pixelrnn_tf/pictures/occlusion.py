"""Masks of known pixels, by name or from a PNG file."""

import os
import pathlib

import numpy as np

from pixelrnn_tf.pictures import png_files

NAMES = ("lower_half", "upper_half", "right_half", "left_half", "center")


def known_pixels(mask: str, height: int, width: int) -> np.ndarray:
    """Make the mask of the pixels that stay known when a part of an image is occluded.

    Args:
        mask: the occluded part, one of `NAMES`, or the path of a PNG file with the size of the images that is black
            (below 128) at occluded pixels and white elsewhere.
        height: height of the images.
        width: width of the images.

    Returns:
        bool `(height, width)`, True at known pixels.

    Raises:
        ValueError: for an unknown name, or a file that is not a PNG of that size with opaque 8-bit pixels.
    """
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    everywhere = np.ones((height, width), bool)
    center = (abs(2 * rows - height + 1) < height / 2) & (abs(2 * columns - width + 1) < width / 2)
    by_name = {
        "lower_half": rows < height // 2,
        "upper_half": rows >= height // 2,
        "right_half": columns < width // 2,
        "left_half": columns >= width // 2,
        "center": ~center,
        "centre": ~center,  # The earlier spelling.
    }
    if mask in by_name:
        return by_name[mask] & everywhere
    path = pathlib.Path(os.path.expanduser(mask))
    if not path.is_file():
        raise ValueError(f"There is no mask {mask!r}: pass one of {', '.join(NAMES)}, or the path of a PNG file.")
    return png_files.decode_mask(path.read_bytes(), f"The mask {path}", height, width)
