"""Mutated training images, for a background network (Ren et al. 2019, *Likelihood ratios*).

A network trained on them learns what all images have in common, and less of their content.
"""

import tensorflow as tf

from pixelrnn_tf.data.image_data import images_and_condition
from pixelrnn_tf.typing import Structure


def mutated(batches: tf.data.Dataset, rate: float, levels: int, seed: int, first_step: int) -> tf.data.Dataset:
    """Replace random sub-pixels of the images in batches by uniformly drawn levels.

    The changes depend only on the seed, the number of the step and the position in the batch, so a resumed run sees the
    same images.

    Args:
        batches: batches of uint8 levels `(batch, height, width, channels)`, or of dictionaries with "images".
        rate: probability that a sub-pixel is replaced, in [0, 1].
        levels: number of levels.
        seed: seed of the run.
        first_step: number of the first step.
    """

    def mutate(step: tf.Tensor, batch: Structure) -> Structure:
        images, _ = images_and_condition(batch)
        which, what = ([tf.constant(seed, tf.int64), 2 * step + k] for k in range(2))
        shape = tf.shape(images)
        changes = tf.random.stateless_uniform(shape, which, alg="philox") < rate
        drawn = tf.random.stateless_uniform(shape, what, 0, levels, tf.int32, alg="philox")
        images = tf.ensure_shape(tf.where(changes, tf.cast(drawn, images.dtype), images), images.shape)
        return {**batch, "images": images} if isinstance(batch, dict) else images

    return batches.enumerate(first_step).map(mutate, num_parallel_calls=1)
