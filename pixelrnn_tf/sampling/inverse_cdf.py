"""Draw a level by inverting its cumulative distribution."""

from keras import ops

from pixelrnn_tf.sampling.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE
from pixelrnn_tf.typing import DType, Tensor, TensorLike


def draw_level(logits: TensorLike, noise: TensorLike, temperature: TensorLike = 1.0) -> Tensor:
    """Draw the level whose interval of the cumulative distribution contains the noise.

    Level l is drawn if P(level < l) <= noise < P(level <= l). Rounding may leave the total slightly below one; noise
    above it draws the last level with positive probability. If a temperature is out of range or a logit is NaN, the
    result is -1, an invalid level with the log-probability NaN.

    Args:
        logits: `(..., levels)`.
        noise: uniform in [0, 1), `(...)`.
        temperature: divisor of the logits: a number from `MIN_TEMPERATURE` to `MAX_TEMPERATURE`, or a tensor of such
            numbers that broadcasts to `(...)`.

    Returns:
        int32 levels `(...)`.

    Example:

    >>> logits = np.log([[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]])
    >>> np.array(draw_level(logits, np.array([0.2, 0.8])))
    array([0, 2], dtype=int32)
    """
    logits = ops.convert_to_tensor(logits)
    return level_at_noise(logits, ops.convert_to_tensor(noise), bounded_temperature(temperature, logits.dtype))


def bounded_temperature(temperature: TensorLike, dtype: DType) -> Tensor:
    """Convert a temperature to `dtype`, with NaN for values out of range, for `level_at_noise`."""
    temperature = ops.convert_to_tensor(temperature, dtype)
    compared = ops.cast(temperature, "float32")  # As in `check_temperature`: 1e30 in float32 is a little more.
    in_bounds = ops.logical_and(compared >= MIN_TEMPERATURE, compared <= MAX_TEMPERATURE)
    return ops.where(in_bounds, temperature, float("nan"))


def level_at_noise(logits: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
    """`draw_level` for a temperature from `bounded_temperature`."""
    if len(temperature.shape):
        temperature = temperature[..., None]
    probabilities = ops.softmax(logits / temperature, axis=-1)
    below = ops.cumsum(probabilities, axis=-1) <= noise[..., None]
    levels = ops.arange(logits.shape[-1], dtype="int32")
    last_possible = ops.max(ops.where(probabilities > 0, levels, -1), axis=-1)  # -1 if all of them are NaN.
    return ops.minimum(ops.sum(ops.cast(below, "int32"), axis=-1), last_possible)
