"""The Row LSTM (paper section 3.1)."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.conv_lstm_layer import ConvLSTMLayer


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class RowLSTM(ConvLSTMLayer):
    """LSTM that runs over the rows of a map from top to bottom, a whole row at a time.

    Input-to-state is a masked 1x3 convolution of the whole map; state-to-state an unmasked convolution of the
    previous row's h with 3 taps: left, centre, right. Outside the map it reads zeros; the row above the first
    is the learned initial state. c goes straight down its column.

    Reference: van den Oord et al. 2016, section 3.1, Eq. 3.

    Args:
        hidden: number of units h.
        channels: number of colours; the units of every gate are split into as many groups.
        condition_features: features of the conditioning map; 0 for none.

    Call arguments:
        inputs: map `(batch, height, width, features)` with static height, width and features.
        condition: map `(batch, height, width, condition_features)`, exactly if the layer was made for one.

    Output shape:
        `(batch, height, width, hidden)`.

    Example:

    >>> RowLSTM(16)(np.zeros((1, 8, 8, 32))).shape
    TensorShape([1, 8, 8, 16])
    """

    directions = 1
    input_to_state_size = (1, 3)
    taps = (-1, 0, 1)
    edge_is_initial = False

    def to_steps(self, gates: Any) -> Any:
        return ops.transpose(gates, (1, 0, 2, 3))[:, None]

    def from_steps(self, h: Any) -> Any:
        return ops.transpose(h[:, 0], (1, 0, 2, 3))
