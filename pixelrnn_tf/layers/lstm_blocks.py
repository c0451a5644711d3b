"""Blocks of the Row LSTM and of the Diagonal BiLSTM (paper section 3.3, Figure 5)."""

from typing import Any

import keras

from pixelrnn_tf.layers.block import Block
from pixelrnn_tf.layers.checks import check_map_shape
from pixelrnn_tf.layers.composition import Apply, Part
from pixelrnn_tf.layers.diagonal_bilstm import DiagonalBiLSTM
from pixelrnn_tf.layers.masked_conv2d import count_conv_weights
from pixelrnn_tf.layers.row_lstm import RowLSTM
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.typing import Shape, Tensor


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
