"""The ten example images that travel with a preset or an export."""

import os
import pathlib

import numpy as np

from pixelrnn_tf.data import to_bytes, to_levels
from pixelrnn_tf.data.tfds_images import is_prepared
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.programs.model_files import card_of, data_of
from pixelrnn_tf.typing import ImageShape
from pixelrnn_tf.zoo import find_preset

EXAMPLES = "examples.png"
NUM_EXAMPLES = 10


def examples_of(model: ImageModel, source: str | os.PathLike) -> np.ndarray | None:
    """Return example images of a model: those of the preset, or the first test images of its training data.

    Args:
        model: the network, with 1 or 3 channels.
        source: the `.keras` file or the preset that it was loaded from.

    Returns:
        uint8 levels `(number, height, width, channels)`; None if there are none, or they would have to be downloaded.
    """
    path = pathlib.Path(os.path.expanduser(source))
    preset = None if path.is_file() else find_preset(source)
    if preset is not None:
        strip = preset / EXAMPLES
        return read_strip(strip, model.image_shape, model.levels) if strip.is_file() else None
    try:
        name = card_of(source)["data"]["name"]
        if name.startswith("tfds:") and not is_prepared(name.removeprefix("tfds:")):
            return None
        data = data_of(source, "test")
        split = "test" if "test" in data.splits else next(iter(data.splits))
        if data.image_shape != model.image_shape or data.levels != model.levels:
            return None
        return data.first(split, min(NUM_EXAMPLES, data.splits[split].size))[0].astype("uint8")
    except (KeyError, TypeError, ValueError, OSError, ImportError):  # The data may be on another machine.
        return None


def write_strip(path: str | os.PathLike, images: np.ndarray, levels: int) -> None:
    """Write images, integer levels `(number, height, width, channels)`, side by side into a PNG file."""
    png_files.write(path, np.concatenate(list(to_bytes(images, levels)), axis=1))


def read_strip(path: str | os.PathLike, image_shape: ImageShape, levels: int) -> np.ndarray:
    """Read a file of `write_strip`: uint8 levels `(number, height, width, channels)`.

    Raises:
        ValueError: if they are of another shape.
    """
    height, width, channels = image_shape
    strip = png_files.read(path, channels)
    if strip.shape[0] != height or strip.shape[1] % width:
        raise ValueError(f"{path} must hold images of {height}x{width} side by side; it is {strip.shape[:2]}.")
    return to_levels(np.stack(np.split(strip, strip.shape[1] // width, axis=1)), levels)
