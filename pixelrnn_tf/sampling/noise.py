"""Noise of images from seeds: image k depends only on the seed and k.

The numbers equal those of `tf.random.stateless_uniform(alg="philox")` and `tf.random.experimental.stateless_fold_in`
run op by op. They are computed here from integers because under XLA, TensorFlow makes other floats from the same bits.
Known seeds are processed by numpy: launching this many operations on a backend takes longer than running them, and
tracing them takes much longer.
"""

import math
import operator
from typing import Any

import numpy as np
from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.sampling.philox import Shift, folded_seed, key_and_counter, philox
from pixelrnn_tf.sampling.seeds import int32_words
from pixelrnn_tf.typing import ImageShape, Tensor, TensorLike


def image_seeds(seed: TensorLike, index: TensorLike) -> Tensor:
    """Make the seeds of images from one seed and their indices.

    Args:
        seed: stateless seed, a pair of integers of up to 32 bits, as `stateless_seed` returns.
        index: integers of up to 32 bits `(batch,)`.

    Returns:
        int32 `(batch, 2)`.

    Raises:
        ValueError: for other numbers, or, inside a graph, tensors that may hold others.

    Example:

    >>> np.array(image_seeds([0, 1], [0, 1, 2]))[:, 1]
    array([0, 1, 2], dtype=int32)
    """
    index = int32_words(index, "index")
    words, right_shift = _words(int32_words(seed, "seed"))
    folded = ops.cast(folded_seed(words[:1], words[1:], right_shift), "int32")
    return ops.stack([ops.broadcast_to(folded, ops.shape(index)), index], axis=-1)


def image_noise(seeds: TensorLike, image_shape: ImageShape) -> Tensor:
    """Make uniform noise for each image from its own seed, independent of the batch.

    The bits are the same on every backend and device, in a graph or not, with XLA or not.

    Args:
        seeds: integers of up to 32 bits `(batch, 2)`.
        image_shape: `(height, width, channels)`.

    Returns:
        float32 `(batch, height, width, channels)` in [0, 1).

    Raises:
        ValueError: as `image_seeds`.

    Example:

    >>> np.array(image_noise([[0, 1]], (1, 3, 1))).round(4).ravel()
    array([0.0822, 0.4093, 0.3932], dtype=float32)
    """
    words, right_shift = _words(int32_words(seeds, "seeds"))
    key, (third, fourth) = key_and_counter(words[:, :1], words[:, 1:], right_shift)
    size = math.prod(image_shape)
    first = np.arange(-(-size // 4), dtype="uint32")[None]
    if not isinstance(words, np.ndarray):
        first = ops.convert_to_tensor(first)
    blocks = philox((first, first ^ first, third, fourth), key, right_shift)
    bits = ops.reshape(ops.stack(blocks, axis=-1), (-1, 4 * first.shape[1]))
    # Use the lower 23 bits as a fraction between 0 and 1.
    fraction = ops.cast(ops.cast(bits[:, :size] & 0x7FFFFF, "int32"), "float32") * 2.0**-23
    return ops.reshape(fraction, (-1, *image_shape))


def _words(seeds: Tensor) -> tuple[Any, Shift]:
    """Reinterpret int32 as uint32, as an array if the values are known, and choose the right-shift function."""
    known = concrete_value(seeds)
    if known is not None:
        return known.astype("uint32"), operator.rshift
    return ops.cast(seeds, "uint32"), ops.right_shift
