"""Seeds of the images that a client asks for."""

from collections.abc import Sequence

import numpy as np

from pixelrnn_tf import sampling

# Images are numbered in 31 bits.
MOST_IMAGES = 2**31


def image_seeds(seed: int | Sequence[int], first: int, number: int) -> np.ndarray:
    """Seeds of images `first` to `first + number - 1`, as `pixelrnn_tf.sampling.image_seeds` derives them.

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
    index = np.arange(first, first + number, dtype="int32")
    return np.array(sampling.image_seeds(sampling.stateless_seed(seed), index))
