"""Bounds of a temperature, shared by the library, programs, served graphs and clients. Needs only numpy."""

import numpy as np

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.typing import TensorLike

# Within these bounds, float32 logits of up to 3e8 are divided without overflow. The bounds exclude nothing useful: near
# the lower one only the most likely level is drawn, near the upper one all levels equally often.
MIN_TEMPERATURE = 1e-30
MAX_TEMPERATURE = 1e30


def check_temperature(temperature: TensorLike) -> None:
    """Check that temperatures are numbers from `MIN_TEMPERATURE` to `MAX_TEMPERATURE`.

    Args:
        temperature: a number, or sequences, an array or a tensor of numbers. Values that are only known when a graph
            runs are not checked; see `pixelrnn_tf.sampling.draw_level`.

    Raises:
        ValueError: for anything else.

    Example:

    >>> check_temperature([1.0, 0.0])
    Traceback (most recent call last):
    ValueError: temperature must be greater than 0, from 1e-30 to 1e+30, got [1.0, 0.0].
    """
    values = concrete_value(temperature)
    if values is None:
        return
    is_number = values.dtype.kind in "iuf"
    if not is_number or not np.all((values >= MIN_TEMPERATURE) & (values <= MAX_TEMPERATURE)):
        raise ValueError(
            f"temperature must be greater than 0, from {MIN_TEMPERATURE:g} to {MAX_TEMPERATURE:g}, got {temperature}."
        )
