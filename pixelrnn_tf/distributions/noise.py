"""From a seed to the noise images are drawn from: image k is a function of the seed and k alone.

The generator is Philox on every device, stateless.
"""

import numbers
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp


def stateless_seed(seed: Any) -> tf.Tensor:
    """A stateless seed, int32 `[2]`: from one, from an integer of up to 64 bits, or a fresh one from None."""
    if isinstance(seed, numbers.Integral):
        halves = [int(seed) >> 32 & 0xFFFFFFFF, int(seed) & 0xFFFFFFFF]
        return tf.bitcast(tf.constant(halves, tf.uint32), tf.int32)
    return tfp.random.sanitize_seed(seed)


def image_seeds(seed: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Seeds of images from one seed and their numbers.

    Args:
        seed: stateless seed, int32 `[2]`.
        index: int32 `(batch,)`.

    Returns:
        int32 `(batch, 2)`.
    """
    return tf.map_fn(
        lambda k: tf.random.experimental.stateless_fold_in(seed, k, alg="philox"),
        tf.convert_to_tensor(index),
        fn_output_signature=tf.TensorSpec((2,), tf.int32),
    )


def image_noise(seeds: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Uniform noise of each image from a seed of its own, so that it does not depend on the batch.

    Args:
        seeds: int32 `(batch, 2)`.
        image_shape: `(height, width, channels)`.

    Returns:
        float32 `(batch, height, width, channels)` in [0, 1).
    """
    return tf.map_fn(
        lambda seed: tf.random.stateless_uniform(image_shape, seed, alg="philox"),
        tf.convert_to_tensor(seeds),
        fn_output_signature=tf.TensorSpec(image_shape, tf.float32),
    )
