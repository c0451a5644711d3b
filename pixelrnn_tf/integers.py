"""Checks of integer arguments."""

import operator
from typing import Any


def checked_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return an integer of any kind, such as one of NumPy, as an int.

    Args:
        name: name of the argument, for the errors.
        value: the argument.
        low: smallest valid value.
        high: largest valid value; None for no limit.

    Raises:
        ValueError: if it is not an integer (booleans and floats are not), or out of range.
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
