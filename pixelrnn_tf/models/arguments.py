"""Checks of a network's arguments: their types and ranges, and how much memory they ask for."""

import math
import operator
from typing import Any

from pixelrnn_tf.models.parameter_count import count_parameters
from pixelrnn_tf.typing import ImageShape

# Bounds that no network in sight comes near, so that a damaged or hostile file is refused before it takes all memory.
MAX_BLOCKS = 1000
MAX_SUB_PIXELS = 2**24
MAX_PARAMETERS = 2**31


def checked_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer of Python from one of any kind, such as numpy's.

    Raises:
        ValueError: if it is something else, a bool or a float included, or out of range.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer, got {value!r} ({type(value).__name__}).") from None
    if high is not None and low > 1 and not low <= number <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {number}.")
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}.")
    if high is not None and number > high:
        raise ValueError(f"{name} must be at most {high}, got {number}.")
    return number


def checked_bool(name: str, value: Any) -> bool:
    """A bool of Python from one, or from numpy's.

    Raises:
        ValueError: if it is something else: "no" would be taken as true.
    """
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {value!r} ({type(value).__name__}).")


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
