"""Example requests for a model, for warm-up, checks and timing."""

import numpy as np

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.layers import ConditionFormat
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.serving.client.metadata import CARD_KEYS
from pixelrnn_tf.serving.png_ops import COLOR_TYPES
from pixelrnn_tf.typing import ImageShape


def example_inputs(
    image_shape: ImageShape,
    levels: int,
    condition: ConditionFormat | None,
    batch: int,
    seed: int = 0,
    inputs_name: str = "levels",
) -> dict[str, np.ndarray]:
    """Make random values for every input of a model's signatures.

    Args:
        image_shape: `(height, width, channels)` of the model's images.
        levels: number of levels.
        condition: format of the model's condition; None for an unconditional model.
        batch: number of rows.
        seed: seed of the values.
        inputs_name: "levels" or "codes".

    Returns:
        arrays by name, batch first: `images`, `known`, `seed`, `temperature` (between 0.5 and 1.5), the same images and
        masks as `image_bytes` and `known_bytes` (of levels with 1 or 3 channels), `key`, and `condition`. In each
        image, a random number of leading rows is known, and half of the pixels below.
    """
    rng = np.random.default_rng(seed)
    height, width, channels = image_shape
    images = rng.integers(0, levels, (batch, *image_shape)).astype("int32" if inputs_name == "codes" else "uint8")
    known = (np.arange(height)[:, None] < rng.integers(0, height, (batch, 1, 1))) | (
        rng.random((batch, height, width)) < 0.5
    )
    inputs = {
        "images": images,
        "known": known,
        "seed": rng.integers(-(2**31), 2**31, (batch, 2)).astype("int32"),
        "temperature": rng.uniform(0.5, 1.5, batch).astype("float32"),
        "key": np.array([CARD_KEYS[k % len(CARD_KEYS)].encode() for k in range(batch)], object),
    }
    if channels in COLOR_TYPES and inputs_name == "levels":
        inputs["image_bytes"] = encoded(to_bytes(images, levels))
        inputs["known_bytes"] = encoded(255 * known[..., None].astype("uint8"))
    if condition is not None:
        inputs["condition"] = condition.examples(batch, rng)
    return inputs


def encoded(pictures: np.ndarray) -> np.ndarray:
    """Encode uint8 `(batch, height, width, channels)` as PNG files, an array of bytes `(batch,)`."""
    return np.array([png_files.encode(picture) for picture in pictures], object)
