"""Conditioner for a vector of numbers per image (paper section 3.6)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.conditioning import LARGEST, Conditioner, ConditionFormat
from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Config, DType, ImageShape, Shape, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class VectorEmbedding(Conditioner):
    """Conditioner for numbers such as a temperature, a property or a pose: a map that is the same at every pixel.

    The numbers are scaled from their range to [-1, 1]. A hidden layer with SiLU activation and a linear layer follow,
    both with `features` units.

    Args:
        size: number of numbers of an image.
        features: number of features of the map.
        low: smallest valid number, one for all or a sequence of `size` numbers.
        high: largest valid number, likewise. Numbers out of range raise an error, or give NaN inside a graph, since the
            network has not been trained on them.

    Raises:
        ValueError: if `low` is not less than `high`, one of them has another length than `size`, or exceeds 1e6 in
            magnitude.

    Call arguments:
        condition: floats `(batch, size)` from `low` to `high`.

    Output shape:
        `(batch, 1, 1, features)`.

    Example:

    >>> temperature = VectorEmbedding(size=1, features=16, low=1.0, high=4.0)
    >>> temperature(np.array([[2.269], [3.5]], "float32")).shape
    TensorShape([2, 1, 1, 16])
    """

    def __init__(
        self,
        size: int,
        features: int,
        low: float | Sequence[float] = -1.0,
        high: float | Sequence[float] = 1.0,
        **kwargs: Any,
    ):
        super().__init__(features, **kwargs)
        self.size = checked_integer("size", size, 1)
        self.low, self.high = (_checked_bound(name, bound, size) for name, bound in (("low", low), ("high", high)))
        # In float32, in which values are compared.
        if not np.all(np.asarray(self.low, "float32") < np.asarray(self.high, "float32")):
            raise ValueError(f"low must be less than high, got low={low!r} and high={high!r}.")

    def build(self, condition_shape: Shape) -> None:
        normal = keras.initializers.RandomNormal
        # Random biases, since units without a bias would all bend at the middle of the range.
        self.hidden_kernel = self._new_weight("hidden_kernel", (self.size, self.features), "he_normal")
        self.hidden_bias = self._new_weight("hidden_bias", (self.features,), normal(stddev=1.0))
        self.kernel = self._new_weight("kernel", (self.features, self.features), "he_normal")
        self.bias = self._new_weight("bias", (self.features,), "zeros")

    def _new_weight(self, name: str, shape: Shape, initializer: Any) -> keras.Variable:
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def condition_format(self, image_shape: ImageShape) -> ConditionFormat:
        return ConditionFormat((self.size,), "float32", low=self.low, high=self.high)

    def map_of(self, condition: Tensor, dtype: DType) -> Tensor:
        low, high = np.asarray(self.low, "float64"), np.asarray(self.high, "float64")
        precise = at_least_float32(dtype)  # Half precision would merge numbers of a narrow range far from zero.
        middle, half = (ops.cast(term, precise) for term in ((low + high) / 2, (high - low) / 2))
        kernel, bias, hidden_kernel, hidden_bias = (
            ops.cast(weight, dtype) for weight in (self.kernel, self.bias, self.hidden_kernel, self.hidden_bias)
        )
        scaled = ops.cast((ops.cast(condition, precise) - middle) / half, dtype)
        hidden = ops.silu(ops.matmul(scaled, hidden_kernel) + hidden_bias)
        return (ops.matmul(hidden, kernel) + bias)[:, None, None, :]

    def call(self, condition: Tensor) -> Tensor:
        return super().call(self.condition_format((1, 1, 1)).convert(condition))

    def count_weights(self) -> int:
        return (self.size + self.features + 2) * self.features

    def compute_output_shape(self, condition_shape: Shape) -> Shape:
        return (condition_shape[0], 1, 1, self.features)

    def get_config(self) -> Config:
        return {**super().get_config(), "size": self.size, "low": self.low, "high": self.high}


def _checked_bound(name: str, bound: float | Sequence[float], size: int) -> float | tuple[float, ...]:
    array = np.asarray(bound)
    if array.dtype.kind not in "fiu" or array.shape not in ((), (size,)) or not np.all(np.abs(array) <= LARGEST):
        raise ValueError(
            f"{name} must be a number from {-LARGEST:g} to {LARGEST:g}, or one for each of the {size} numbers of a "
            f"condition; got {bound!r}."
        )
    return float(array) if array.ndim == 0 else tuple(array.astype("float64").tolist())
