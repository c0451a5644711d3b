"""Arguments that must be whole numbers: 2.5 levels or half an image would give numbers that mean nothing."""

import operator
from typing import SupportsIndex


def check_integer(name: str, value: SupportsIndex, least: int, most: int | None = None) -> int:
    """An argument as an int.

    Args:
        name: of the argument, for errors.
        value: an int, or an integer of numpy's.
        least, most: its bounds, both included; None for no upper one.

    Raises:
        ValueError: if it is no integer (booleans are none), or out of its bounds.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer, got {value!r}.")
    if number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, got {number}.")
    return number
