"""The Diagonal BiLSTM (paper section 3.2)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.conv_lstm_layer import ConvLSTMLayer
from pixelrnn_tf.layers.skew import skew, unskew


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class DiagonalBiLSTM(ConvLSTMLayer):
    """Two LSTMs that run over the diagonals of a map, from its two upper corners.

    Input-to-state is a masked 1x1 convolution of the whole map. The map is skewed so that its diagonals are
    columns; state-to-state is an unmasked convolution with 2 taps of the previous column: the pixel on the
    left and the one above. c comes from the left. Every row starts from the learned initial state, which
    also lies above the first row.

    The right-to-left direction runs over the mirrored map. Its output at a pixel has seen what is to the
    right, so it is moved down by one row before it is added: out[r, c] = left[r, c] + right[r - 1, c], with
    zeros in row 0.

    Reference: van den Oord et al. 2016, section 3.2, Figure 3.

    Args:
        hidden: number of units h of each direction.
        channels: number of colours; the units of every gate are split into as many groups.
        condition_features: features of the conditioning map; 0 for none.

    Call arguments:
        inputs: map `(batch, height, width, features)` with static height, width and features.
        condition: map `(batch, height, width, condition_features)`, exactly if the layer was made for one.

    Output shape:
        `(batch, height, width, hidden)`: the sum of both directions.

    Example:

    >>> DiagonalBiLSTM(16)(np.zeros((1, 8, 8, 32))).shape
    TensorShape([1, 8, 8, 16])
    """

    directions = 2
    input_to_state_size = (1, 1)
    taps = (-1, 0)
    edge_is_initial = True

    def to_steps(self, gates: Any) -> Any:
        left, right = ops.split(gates, 2, axis=-1)
        both = ops.stack([skew(left), skew(ops.flip(right, axis=2))])
        return ops.transpose(both, (3, 0, 1, 2, 4))

    def from_steps(self, h: Any) -> Any:
        left, right = (unskew(ops.transpose(h[:, k], (1, 2, 0, 3))) for k in range(2))
        right = ops.flip(right, axis=2)
        return left + ops.pad(right[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))

    def restart(self, height: int, width: int) -> np.ndarray:
        return np.arange(width + height - 1)[:, None] == np.arange(height)
