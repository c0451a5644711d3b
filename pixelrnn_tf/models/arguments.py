"""Checks of a network's arguments: their types and ranges, and how much memory they ask for."""

import math
from typing import Any

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.conditioning import Conditioner
from pixelrnn_tf.models.parameter_count import count_parameters
from pixelrnn_tf.typing import ImageShape

# Bounds that no network in sight comes near, so that a damaged or hostile file is refused before it takes all memory.
MAX_BLOCKS = 1000
MAX_SUB_PIXELS = 2**24
MAX_PARAMETERS = 2**31


def checked_image_shape(value: Any) -> ImageShape:
    """Height, width and channels as integers of Python.

    Raises:
        ValueError: if they are something else, or more sub-pixels than `MAX_SUB_PIXELS`.
    """
    message = f"image_shape must be three positive integers (height, width, channels), got {value!r}."
    try:
        height, width, channels = (checked_integer("image_shape", size, 1) for size in value)
    except (TypeError, ValueError):
        raise ValueError(message) from None
    if math.prod((height, width, channels)) > MAX_SUB_PIXELS:
        raise ValueError(f"image_shape must have at most {MAX_SUB_PIXELS:,} sub-pixels, got {value!r}.")
    return height, width, channels


def check_size(arguments: dict[str, Any]) -> None:
    """Check that a network is not too large to be meant.

    Args:
        arguments: those of `count_parameters`.

    Raises:
        ValueError: for more weights than `MAX_PARAMETERS`.
    """
    parameters = count_parameters(**arguments)
    if parameters > MAX_PARAMETERS:
        raise ValueError(
            f"These arguments ask for {parameters:,} parameters, {4 * parameters / 2**30:,.0f} GiB in float32, and at "
            f"most {MAX_PARAMETERS:,} are allowed: make hidden, head_hidden, num_blocks or condition_features smaller."
        )


def check_map(conditioner: Conditioner, image_shape: ImageShape) -> None:
    """Check that the map of a conditioner fits images of a shape.

    Raises:
        ValueError: if not.
    """
    takes = conditioner.condition_format(image_shape)
    made = tuple(conditioner.compute_output_shape((None, *takes.shape)))
    if made[1:3] not in ((1, 1), image_shape[:2]) or made[3:] != (conditioner.features,):
        raise ValueError(
            f"{type(conditioner).__name__} makes maps of the shape {made}; beside images {image_shape} they must be "
            f"{(None, *image_shape[:2], conditioner.features)} or {(None, 1, 1, conditioner.features)}."
        )
