"""Drawing a level by inverting its cumulative distribution."""

from keras import ops

from pixelrnn_tf.typing import Tensor, TensorLike


def draw_level(logits: Tensor, noise: Tensor, temperature: TensorLike = 1.0) -> Tensor:
    """The level in whose interval of the cumulative distribution the noise lies.

    Level l is drawn if P(level < l) <= noise < P(level <= l). Rounding may leave the total a little below
    one; noise above it draws the last level of positive probability.

    Args:
        logits: `(..., levels)`.
        noise: uniform in [0, 1), `(...)`.
        temperature: the logits are divided by it; a positive number, or a tensor that broadcasts to `(...)`.

    Returns:
        int32 levels `(...)`.
    """
    temperature = ops.cast(temperature, logits.dtype)
    if len(temperature.shape):
        temperature = temperature[..., None]
    probabilities = ops.softmax(logits / temperature, axis=-1)
    below = ops.cumsum(probabilities, axis=-1) <= noise[..., None]
    levels = ops.arange(logits.shape[-1], dtype="int32")
    last_possible = ops.max(ops.where(probabilities > 0, levels, 0), axis=-1)
    return ops.minimum(ops.sum(ops.cast(below, "int32"), axis=-1), last_possible)
