"""Requests made up for a model: to warm a server up, to check an export, to time it."""

import numpy as np

from export.png_ops import COLOUR_TYPES
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.programs import png_files


def example_inputs(
    image_shape: tuple[int, int, int], levels: int, condition_features: int, batch: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Random values for every input that any signature of a model takes.

    Args:
        image_shape: `(height, width, channels)` of the model's images.
        levels: their number of levels.
        condition_features: features of the model's conditioning map; 0 for none.
        batch: rows.
        seed: of the values.

    Returns:
        by name, batch-major: `images`, `known`, `seed`, `temperature` (between 0.5 and 1.5), the same images
        and masks as `image_bytes` and `known_bytes` (if PNGs hold that many channels), and `condition`. The
        first rows of a random number of images are known, and half of the pixels below.
    """
    rng = np.random.default_rng(seed)
    height, width, channels = image_shape
    images = rng.integers(0, levels, (batch, *image_shape)).astype("uint8")
    known = (np.arange(height)[:, None] < rng.integers(0, height, (batch, 1, 1))) | (
        rng.random((batch, height, width)) < 0.5
    )
    inputs = {
        "images": images,
        "known": known,
        "seed": rng.integers(-(2**31), 2**31, (batch, 2)).astype("int32"),
        "temperature": rng.uniform(0.5, 1.5, batch).astype("float32"),
    }
    if channels in COLOUR_TYPES:
        inputs["image_bytes"] = encoded(to_bytes(images, levels))
        inputs["known_bytes"] = encoded(255 * known[..., None].astype("uint8"))
    if condition_features:
        inputs["condition"] = rng.normal(size=(batch, height, width, condition_features)).astype("float32")
    return inputs


def encoded(pictures: np.ndarray) -> np.ndarray:
    """uint8 `(batch, height, width, channels)` as PNG files, an array of bytes `(batch,)`."""
    return np.array([png_files.encode(picture) for picture in pictures], object)
