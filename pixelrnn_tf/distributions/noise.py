"""The noise images are drawn from: a function of one seed per image."""

import tensorflow as tf


def image_noise(seeds: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Uniform noise of each image from a seed of its own, so that it does not depend on the batch.

    The generator is Philox on every device, stateless.

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
