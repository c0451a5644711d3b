"""The blocks of the three networks: maps of 2h features to maps of 2h features (paper sections 3.3, 3.5)."""

import abc
from typing import Any

import keras

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import check_map_shape, checked_bool
from pixelrnn_tf.layers.composition import Apply, CompositeLayer, Part
from pixelrnn_tf.layers.diagonal_bilstm import DiagonalBiLSTM
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D, count_conv_weights
from pixelrnn_tf.layers.row_lstm import RowLSTM
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.typing import Config, Shape, Tensor


class Block(CompositeLayer):
    """What the blocks have in common: their arguments and the residual connection.

    Args:
        hidden: number h of features inside the block; the map outside has 2h.
        channels: number of colours.
        residual: whether the input is added to the output (paper section 3.3).
        condition_features: features of the conditioning map; 0 for none.

    Call arguments:
        inputs: map `(batch, height, width, 2 * hidden)`.
        condition: map `(batch, height, width, condition_features)`, exactly if the block was made for one.

    Output shape:
        that of `inputs`.
    """

    def __init__(
        self, hidden: int, channels: int = 1, residual: bool = True, condition_features: int = 0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.hidden = checked_integer("hidden", hidden, 1)
        self.channels = checked_integer("channels", channels, 1)
        self.residual = checked_bool("residual", residual)
        self.condition_features = checked_integer("condition_features", condition_features, 0)

    @classmethod
    @abc.abstractmethod
    def count_weights(cls, hidden: int, condition_features: int = 0) -> int:
        """The number of weights, known before they are made."""

    @abc.abstractmethod
    def transform(self, x: Tensor, apply: Apply) -> Tensor:
        """The block without its residual connection, in terms of its parts; see `compose`."""

    def compose(self, x: Tensor, apply: Apply) -> Tensor:
        outputs = self.transform(x, apply)
        return x + outputs if self.residual else outputs

    def conv(self, filters: int, kernel_size: int, name: str, **arguments: Any) -> MaskedConv2D:
        """A mask B convolution of this block."""
        return MaskedConv2D(filters, kernel_size, "B", self.channels, dtype=self.dtype_policy, name=name, **arguments)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "channels": self.channels,
            "residual": self.residual,
            "condition_features": self.condition_features,
        }


class LSTMBlock(Block):
    """An LSTM layer from 2h to h features, a 1x1 convolution back up to 2h, plus the input (section 3.3).

    Class attributes:
        lstm_class: the LSTM layer.
    """

    lstm_class: type[TwoDimensionalLSTM]

    def __init__(
        self, hidden: int, channels: int = 1, residual: bool = True, condition_features: int = 0, **kwargs: Any
    ):
        super().__init__(hidden, channels, residual, condition_features, **kwargs)
        self.lstm = self.lstm_class(hidden, channels, condition_features, dtype=self.dtype_policy, name="lstm")
        self.up = self.conv(2 * hidden, 1, name="up")

    @property
    def parts(self) -> list[Part]:
        return [self.lstm, self.up]

    def build(self, inputs_shape: Shape) -> None:
        check_map_shape(self, inputs_shape, 2 * self.hidden)
        self.lstm.build(inputs_shape)
        self.up.build((*inputs_shape[:-1], self.hidden))

    @classmethod
    def count_weights(cls, hidden: int, condition_features: int = 0) -> int:
        lstm = cls.lstm_class.count_weights(2 * hidden, hidden, condition_features)
        return lstm + count_conv_weights(hidden, 2 * hidden)

    def transform(self, x: Tensor, apply: Apply) -> Tensor:
        return apply(self.up, apply(self.lstm, x))


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class RowLSTMBlock(LSTMBlock):
    """A Row LSTM from 2h to h features, a 1x1 convolution back up to 2h, plus the input (section 3.3)."""

    lstm_class = RowLSTM


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class DiagonalBiLSTMBlock(LSTMBlock):
    """A Diagonal BiLSTM from 2h to h features, a 1x1 convolution back up to 2h, plus the input (section 3.3)."""

    lstm_class = DiagonalBiLSTM


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


BLOCKS: dict[str, type[Block]] = {
    "pixel_cnn": PixelCNNBlock,
    "row_lstm": RowLSTMBlock,
    "diagonal_bilstm": DiagonalBiLSTMBlock,
}
