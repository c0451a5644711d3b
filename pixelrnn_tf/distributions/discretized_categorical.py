"""Distribution of every sub-pixel given the earlier ones, from the logits of one pass."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.typing import TensorLike


def discretized_categorical(logits: TensorLike, validate_args: bool = False) -> tfp.distributions.Distribution:
    """Combine one categorical over the levels per sub-pixel into a distribution of images (paper section 2.2).

    Its `log_prob` at the image from which the logits were computed is the exact log-likelihood of that image. Its
    `sample` draws every sub-pixel given the others of *that* image; it is not a sample of the model.

    Args:
        logits: `(..., height, width, channels, levels)`; half precision is cast to float32.
        validate_args: check in `log_prob` that levels are integers in range.

    Returns:
        A `tfp.distributions.Distribution` over int32 levels with event shape `(height, width, channels)`. Its
        `log_prob` equals that of the loss, in nats per image: NaN for an image with an invalid level.

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
    categorical = _Levels(logits=logits, validate_args=validate_args)
    return _Images(categorical, reinterpreted_batch_ndims=3, validate_args=validate_args, name="DiscretizedCategorical")


class FractionsKept:
    """Mixin that passes values to `log_prob` and `prob` of a distribution over integers unchanged.

    The base class would convert float arrays to integers, which truncates fractions.
    """

    def log_prob(self, value: TensorLike, name: str = "log_prob", **arguments: Any) -> tf.Tensor:
        return super().log_prob(tf.convert_to_tensor(value), name, **arguments)  # type: ignore[misc]

    def prob(self, value: TensorLike, name: str = "prob", **arguments: Any) -> tf.Tensor:
        return super().prob(tf.convert_to_tensor(value), name, **arguments)  # type: ignore[misc]


class _Images(FractionsKept, tfp.distributions.Independent):
    """One categorical per sub-pixel."""


class _Levels(tfp.distributions.Categorical):
    """A categorical with the log-probability of the loss, which detects invalid levels on every device."""

    def _log_prob(self, levels: tf.Tensor) -> tf.Tensor:
        logits = self.logits_parameter()
        if self.validate_args:
            with tf.control_dependencies(level_assertions(levels, logits.shape[-1], "levels")):
                levels = tf.identity(levels)
        if not (levels.shape.is_fully_defined() and levels.shape == logits.shape[:-1]):
            shape = tf.broadcast_dynamic_shape(tf.shape(levels), tf.shape(logits)[:-1])
            logits = tf.broadcast_to(logits, tf.concat([shape, tf.shape(logits)[-1:]], 0))
            levels = tf.broadcast_to(levels, shape)
        return log_prob_of_levels(levels, logits)


def level_assertions(levels: tf.Tensor, number: int, name: str) -> list[tf.Operation]:
    """Assertions that numbers are integers in `[0, number)`; those known to hold are left out."""
    message = f"{name} must hold integers in [0, {number})."
    whole = tf.cast(levels, tf.int32)
    assertions = [
        tf.debugging.assert_equal(tf.cast(whole, levels.dtype), levels, message),
        tf.debugging.assert_non_negative(whole, message),
        tf.debugging.assert_less(whole, number, message),
    ]
    return [assertion for assertion in assertions if assertion is not None]
