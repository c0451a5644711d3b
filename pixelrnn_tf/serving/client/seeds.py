"""Seeds of requested images."""

from collections.abc import Sequence

import numpy as np

from pixelrnn_tf import sampling

# Image indices have 31 bits.
MOST_IMAGES = 2**31


def image_seeds(seed: int | Sequence[int], first: int, number: int) -> np.ndarray:
    """Make the seeds of images `first` to `first + number - 1`, as `pixelrnn_tf.sampling.image_seeds` does.

    Args:
        seed: an integer of up to 64 bits, or the two integers of up to 32 bits of a stateless seed.
        first: index of the first image.
        number: number of images.

    Returns:
        int32 `(number, 2)`.

    Raises:
        ValueError: for an invalid seed, or too many images.
    """
    if number < 1 or first < 0:
        raise ValueError(f"The number of images must be at least 1 and the first at least 0, got {number} and {first}.")
    if first + number > MOST_IMAGES:
        raise ValueError(f"Images are numbered from 0 to {MOST_IMAGES - 1}, got {number} of them from {first} on.")
    index = np.arange(first, first + number, dtype="int32")
    return np.array(sampling.image_seeds(sampling.stateless_seed(seed), index))
