"""Seeds of images as the library derives them, without TensorFlow, which takes seconds to import.

Image k of a seed has the seed that `pixelrnn_tf.sampling.image_seeds` gives it, so a served model draws
the images that `trainers.sample` and `PixelDistribution` draw from the same number.
"""

import operator
from collections.abc import Sequence

import numpy as np

from pixelrnn_tf.sampling.philox import folded_seed

WORD = 0xFFFFFFFF
# Numbers of images are of 31 bits.
MOST_IMAGES = 2**31


def image_seeds(seed: int | Sequence[int], first: int, number: int) -> np.ndarray:
    """Seeds of images `first` to `first + number - 1`; each is a function of the seed and its number alone.

    Args:
        seed: an integer of up to 64 bits, or the two integers of up to 32 bits of a stateless seed.
        first: number of the first image.
        number: how many.

    Returns:
        int32 `(number, 2)`.

    Raises:
        ValueError: for a seed that is neither, or too many images.
    """
    if number < 1 or first < 0:
        raise ValueError(f"The number of images must be at least 1 and the first at least 0, got {number} and {first}.")
    if first + number > MOST_IMAGES:
        raise ValueError(f"Images are numbered from 0 to {MOST_IMAGES - 1}, got {number} of them from {first} on.")
    seeds = np.empty((number, 2), "uint32")
    high, low = (np.array([half], "uint32") for half in _halves(seed))
    seeds[:, 0] = folded_seed(high, low)
    seeds[:, 1] = np.arange(first, first + number)
    return seeds.view("int32")


def _halves(seed: int | Sequence[int]) -> tuple[int, int]:
    """The high and the low 32 bits of a seed."""
    try:
        values = [operator.index(value) for value in np.atleast_1d(np.asarray(seed, object))]
    except TypeError:
        values = []
    if len(values) == 1 and -(2**63) <= values[0] < 2**64:
        return (values[0] >> 32) & WORD, values[0] & WORD
    if len(values) == 2 and all(-(2**31) <= value < 2**32 for value in values):
        return values[0] & WORD, values[1] & WORD
    raise ValueError(f"seed must be an integer of up to 64 bits, or two of up to 32 bits, got {seed!r}.")
