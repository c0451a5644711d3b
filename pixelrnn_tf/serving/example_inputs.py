"""Requests made up for a model: to warm a server up, to check an export, to time it."""

import numpy as np

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.layers import ConditionFormat
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.serving.png_ops import COLOUR_TYPES
from pixelrnn_tf.typing import ImageShape


def example_inputs(
    image_shape: ImageShape, levels: int, condition: ConditionFormat | None, batch: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Random values for every input that any signature of a model takes.

    Args:
        image_shape: `(height, width, channels)` of the model's images.
        levels: their number of levels.
        condition: what the model's conditioner takes; None for a model without.
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
    if condition is not None:
        shape = (batch, *condition.shape)
        values = rng.normal(size=shape) if condition.below is None else rng.integers(0, condition.below, shape)
        inputs["condition"] = values.astype(condition.dtype)
    return inputs


def encoded(pictures: np.ndarray) -> np.ndarray:
    """uint8 `(batch, height, width, channels)` as PNG files, an array of bytes `(batch,)`."""
    return np.array([png_files.encode(picture) for picture in pictures], object)
