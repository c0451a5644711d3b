"""Block of the PixelCNN (paper section 3.5, Figure 5)."""

from typing import Any

import keras

from pixelrnn_tf.layers.block import Block
from pixelrnn_tf.layers.checks import check_map_shape
from pixelrnn_tf.layers.composition import Apply, Part
from pixelrnn_tf.layers.masked_conv2d import count_conv_weights
from pixelrnn_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class PixelCNNBlock(Block):
    """ReLU, 1x1 (2h to h), ReLU, 3x3 (h to h), ReLU, 1x1 (h to 2h), plus the input (section 3.5, Figure 5).

    The conditioning map is added to the 3x3 convolution's output.
    """

    def __init__(
        self, hidden: int, channels: int = 1, residual: bool = True, condition_features: int = 0, **kwargs: Any
    ):
        super().__init__(hidden, channels, residual, condition_features, **kwargs)
        self.down = self.conv(hidden, 1, name="down", pre_activation="relu")
        self.spatial = self.conv(
            hidden, 3, name="spatial", condition_features=condition_features, pre_activation="relu"
        )
        self.up = self.conv(2 * hidden, 1, name="up", pre_activation="relu")

    @property
    def parts(self) -> list[Part]:
        return [self.down, self.spatial, self.up]

    def build(self, inputs_shape: Shape) -> None:
        check_map_shape(self, inputs_shape, 2 * self.hidden)
        inner = (*inputs_shape[:-1], self.hidden)
        self.down.build(inputs_shape)
        self.spatial.build(inner)
        self.up.build(inner)

    @classmethod
    def count_weights(cls, hidden: int, condition_features: int = 0) -> int:
        spatial = count_conv_weights(hidden, hidden, 9, condition_features)
        return count_conv_weights(2 * hidden, hidden) + spatial + count_conv_weights(hidden, 2 * hidden)

    def transform(self, x: Tensor, apply: Apply) -> Tensor:
        for layer in self.parts:
            x = apply(layer, x)
        return x
