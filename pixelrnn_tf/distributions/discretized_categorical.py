"""The distribution of every sub-pixel given those before it, from the logits of one pass."""

import tensorflow as tf
import tensorflow_probability as tfp

from pixelrnn_tf.typing import TensorLike


def discretized_categorical(logits: TensorLike, validate_args: bool = False) -> tfp.distributions.Distribution:
    """One categorical over the levels per sub-pixel, as one distribution of images (paper section 2.2).

    Its `log_prob` of the image the logits were computed from is the exact log-likelihood of that image. Its
    `sample` draws every sub-pixel given the others of *that* image; it is no sample of the model.

    Args:
        logits: `(..., height, width, channels, levels)`; half precision is cast to float32.
        validate_args: whether `log_prob` checks that levels are integers in range.

    Returns:
        A `tfp.distributions.Distribution` over int32 levels with event shape `(height, width, channels)`;
        `log_prob` is in nats per image.

    Example:

    >>> fair_coins = discretized_categorical(np.zeros((3, 28, 28, 1, 2), "float32"))
    >>> fair_coins.log_prob(np.ones((3, 28, 28, 1), "int32")).numpy().round(2)
    array([-543.43, -543.43, -543.43], dtype=float32)

    Raises:
        ValueError: if the logits have fewer than four axes.
    """
    logits = tf.convert_to_tensor(logits)
    if logits.shape.rank is not None and logits.shape.rank < 4:
        raise ValueError(f"logits must have the shape (..., height, width, channels, levels); got {logits.shape}.")
    if logits.dtype in (tf.float16, tf.bfloat16):
        logits = tf.cast(logits, tf.float32)
    categorical = tfp.distributions.Categorical(logits=logits, validate_args=validate_args)
    return tfp.distributions.Independent(
        categorical, reinterpreted_batch_ndims=3, validate_args=validate_args, name="DiscretizedCategorical"
    )
