"""Checks of a network's arguments: types, ranges and memory."""

import math
from typing import Any

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.conditioning import Conditioner
from pixelrnn_tf.models.parameter_count import count_parameters
from pixelrnn_tf.typing import ImageShape

# Far above any practical network: a damaged or malicious file is rejected before it exhausts the memory.
MAX_BLOCKS = 1000
MAX_SUB_PIXELS = 2**24
MAX_PARAMETERS = 2**31


def checked_image_shape(value: Any) -> ImageShape:
    """Convert an image shape to three Python integers.

    Raises:
        ValueError: for anything else, or for more sub-pixels than `MAX_SUB_PIXELS`.
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
    """Check that a network is not unreasonably large.

    Args:
        arguments: arguments of `count_parameters`.

    Raises:
        ValueError: for more parameters than `MAX_PARAMETERS`.
    """
    parameters = count_parameters(**arguments)
    if parameters > MAX_PARAMETERS:
        raise ValueError(
            f"These arguments give {parameters:,} parameters, {4 * parameters / 2**30:,.0f} GiB in float32; at most "
            f"{MAX_PARAMETERS:,} are allowed. Reduce hidden, head_hidden, num_blocks or condition_features."
        )


def check_map(conditioner: Conditioner, image_shape: ImageShape) -> None:
    """Check that the map of a conditioner fits images of this shape.

    Raises:
        ValueError: if it does not.
    """
    takes = conditioner.condition_format(image_shape)
    made = tuple(conditioner.compute_output_shape((None, *takes.shape)))
    if made[1:3] not in ((1, 1), image_shape[:2]) or made[3:] != (conditioner.features,):
        raise ValueError(
            f"{type(conditioner).__name__} makes maps of shape {made}; for images {image_shape} they must be "
            f"{(None, *image_shape[:2], conditioner.features)} or {(None, 1, 1, conditioner.features)}."
        )
