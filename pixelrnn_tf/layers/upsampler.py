"""Conditioner that upsamples a small image to a conditioning map (paper section 3.6)."""

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.conditioning import Conditioner, ConditionFormat
from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Config, DType, ImageShape, Shape, Tensor


class _Convolution(NamedTuple):
    """A convolution of the network; the outputs come last in its kernel (before the inputs if it is transposed)."""

    kernel: tuple[int, int, int, int]
    dilation: int = 1
    stride: int = 1  # Greater than 1 for a transposed convolution.


def dilations(height: int, width: int) -> list[int]:
    """Dilations after the first convolution of an `Upsampler`, with which every position sees the full small image."""
    return [2**k for k in range(1, math.ceil(math.log2(max(2, height, width))))]


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class Upsampler(Conditioner):
    """Conditioner for a small image: a network of transposed convolutions.

    First, 3x3 convolutions on the small map with dilations 1, 2, 4 and so on, until every position depends on the full
    small image. Each except the first is added to its input. Then one transposed convolution for every prime factor of
    the enlargement. A ReLU precedes each convolution except the first. The paper only says that the network is
    deconvolutional.

    Reference: van den Oord et al. 2016, section 3.6.

    Args:
        image_shape: `(height, width, channels)` of the small image.
        levels: number of values of its sub-pixels, at least 2.
        factor: ratio of the size of the map to that of the small image, at least 2.
        features: number of features of the map and of all hidden layers.

    Call arguments:
        condition: small images, integer levels `(batch, height, width, channels)` in `[0, levels)`.

    Output shape:
        `(batch, factor * height, factor * width, features)`.

    Example:

    >>> upsampler = Upsampler((14, 14, 1), levels=2, factor=2, features=16)
    >>> upsampler(np.zeros((1, 14, 14, 1), "uint8")).shape
    TensorShape([1, 28, 28, 16])
    """

    def __init__(self, image_shape: ImageShape, levels: int, factor: int, features: int, **kwargs: Any):
        super().__init__(features, **kwargs)
        height, width, channels = (checked_integer("image_shape", size, 1) for size in image_shape)
        self.image_shape = height, width, channels
        self.levels = checked_integer("levels", levels, 2, 256)
        self.factor = checked_integer("factor", factor, 2)

    @property
    def convolutions(self) -> list[_Convolution]:
        """The convolutions of the network, in order."""
        height, width, channels = self.image_shape
        inner = self.features, self.features
        on_small = [_Convolution((3, 3, *inner), dilation=dilation) for dilation in dilations(height, width)]
        enlarging = [_Convolution((2 * p, 2 * p, *inner), stride=p) for p in _prime_factors(self.factor)]
        return [_Convolution((3, 3, channels, self.features)), *on_small, *enlarging]

    def build(self, condition_shape: Shape) -> None:
        for k, convolution in enumerate(self.convolutions):
            kernel = self.add_weight(name=f"kernel_{k}", shape=convolution.kernel, initializer="glorot_uniform")
            bias = self.add_weight(name=f"bias_{k}", shape=(self.features,), initializer="zeros")
            # TensorFlow's checkpoints only track attributes.
            setattr(self, f"kernel_{k}", kernel)
            setattr(self, f"bias_{k}", bias)

    def condition_format(self, image_shape: ImageShape) -> ConditionFormat:
        height, width = (self.factor * size for size in self.image_shape[:2])
        if (height, width) != tuple(image_shape[:2]):
            raise ValueError(
                f"An Upsampler of images {self.image_shape} by the factor {self.factor} makes maps of {height} x "
                f"{width}; the images to condition are {tuple(image_shape)}."
            )
        return ConditionFormat(self.image_shape, "int32", self.levels)

    def map_of(self, condition: Tensor, dtype: DType) -> Tensor:
        return self.map_of_scaled(ops.cast(condition, at_least_float32(dtype)) * (2.0 / (self.levels - 1)) - 1.0, dtype)

    def map_of_scaled(self, scaled: Tensor, dtype: DType) -> Tensor:
        """Apply the network to levels scaled to [-1, 1]."""
        x = ops.cast(scaled, dtype)
        for k, convolution in enumerate(self.convolutions):
            outputs = self._convolve(ops.relu(x) if k else x, k, convolution, dtype)
            x = x + outputs if convolution.dilation > 1 else outputs
        return x

    def _convolve(self, x: Tensor, k: int, convolution: _Convolution, dtype: DType) -> Tensor:
        kernel, bias = (ops.cast(getattr(self, f"{name}_{k}"), dtype) for name in ("kernel", "bias"))
        batch, height, width, _ = ops.shape(x)
        if convolution.stride > 1:
            outputs = ops.conv_transpose(
                x, kernel, strides=convolution.stride, padding="same", data_format="channels_last"
            )
        else:
            outputs = ops.conv(
                x, kernel, padding="same", data_format="channels_last", dilation_rate=convolution.dilation
            )
        # oneDNN gives the convolution of an empty batch the shape of its input.
        shape = (batch, height * convolution.stride, width * convolution.stride, self.features)
        return ops.reshape(outputs, shape) + bias

    def call(self, condition: Tensor) -> Tensor:
        return super().call(ConditionFormat(self.image_shape, "int32", self.levels).convert(condition))

    def count_weights(self) -> int:
        return sum(math.prod(convolution.kernel) + self.features for convolution in self.convolutions)

    def compute_output_shape(self, condition_shape: Shape) -> Shape:
        height, width, _ = self.image_shape
        return (condition_shape[0], self.factor * height, self.factor * width, self.features)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "image_shape": list(self.image_shape),
            "levels": self.levels,
            "factor": self.factor,
        }


def _prime_factors(number: int) -> list[int]:
    factor = next((k for k in range(2, math.isqrt(number) + 1) if number % k == 0), number)
    return [factor] if factor == number else [factor, *_prime_factors(number // factor)]
