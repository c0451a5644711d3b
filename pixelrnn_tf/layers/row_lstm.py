"""The Row LSTM (paper section 3.1), of whole maps and of one pixel at a time."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.conv_lstm import Order, lstm_cell, read_taps
from pixelrnn_tf.layers.conv_lstm_layer import ConvLSTMLayer, padded_above
from pixelrnn_tf.layers.masked_conv2d import rows_before


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
    taps = 3

    def to_directions(self, gates: Any) -> Any:
        return gates[None]

    def from_directions(self, h: Any) -> Any:
        return h[0]

    def order(self, batch: int | None = None, height: int | None = None, width: int | None = None) -> Order:
        """A step is a row; the three neighbours above a pixel lie in the step before."""
        return Order(
            to_steps=lambda maps: ops.transpose(maps, (2, 0, 1, 3, 4)),
            from_steps=lambda steps: ops.transpose(steps, (1, 2, 0, 3, 4)),
            taps=(-1, 0, 1),
            neighbours=((-1, -1), (-1, 0), (-1, 1)),
            edge_is_initial=False,
        )

    def steps(self) -> "RowLSTMSteps":
        """The same layer one row and one pixel at a time."""
        return RowLSTMSteps(self)


class RowLSTMSteps:
    """`RowLSTM` one row and one pixel at a time; see `pixelrnn_tf.sampling.steps`.

    The cache is the state of the last row, h and c. All that it adds to the gates is computed once per row.
    """

    def __init__(self, layer: RowLSTM):
        self.layer = layer
        self.input_to_state = layer.input_to_state.steps()
        kernel = ops.reshape(layer.state_to_state, (layer.taps * layer.hidden, 4 * layer.hidden))
        self.kernel = ops.cast(kernel, "float32")
        self.order = layer.order()
        self.initial = tuple(ops.cast(value[0], "float32") for value in (layer.initial_h, layer.initial_c))

    def start(self, batch: Any, width: int) -> Any:
        return tuple(ops.broadcast_to(value, (batch, width, self.layer.hidden)) for value in self.initial)

    def fill(self, maps: Any, condition: Any, row: Any) -> tuple[Any, Any]:
        gates = self.layer.input_to_state.call(maps, condition)
        h, c = (ops.cast(maps[0], "float32") for maps in self.layer.run(gates, return_c=True))
        cache = (
            rows_before(padded_above(v, start), row, 1)[:, 0] for v, start in zip((h, c), self.initial, strict=True)
        )
        return h, tuple(cache)

    def above(self, cache: Any, condition: Any) -> Any:
        h, c = cache
        read = read_taps(h, self.initial[0], self.order)
        return ops.matmul(read, self.kernel) + self.input_to_state.offset(condition), c

    def left(self, batch: Any) -> Any:
        return self.input_to_state.left(batch)

    def step(self, x: Any, above: Any, left: Any) -> tuple[Any, Any, Any]:
        gates_above, c_above = above
        gates, left, _ = self.input_to_state.step(x, gates_above, left)
        h, c, _ = lstm_cell(gates, c_above)
        return h, left, (h, c)

    def finish(self, cache: Any, record: Any, condition: Any) -> Any:
        return record
