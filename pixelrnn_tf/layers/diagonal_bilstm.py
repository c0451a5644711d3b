"""The Diagonal BiLSTM (paper section 3.2), of whole maps and of one pixel at a time."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.conv_lstm import Order, lstm_cell
from pixelrnn_tf.layers.conv_lstm_layer import ConvLSTMLayer, padded_above
from pixelrnn_tf.layers.diagonals import diagonals
from pixelrnn_tf.layers.masked_conv2d import rows_before
from pixelrnn_tf.layers.scan import scan


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
    taps = 2

    def to_directions(self, gates: Any) -> Any:
        left, right = ops.split(gates, 2, axis=-1)
        return ops.stack([left, ops.flip(right, axis=2)])

    def from_directions(self, h: Any) -> Any:
        left, right = h[0], ops.flip(h[1], axis=2)
        return left + ops.pad(right[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))

    def order(self, batch: int | None, height: int, width: int) -> Order:
        return diagonals(batch, height, width)

    def steps(self) -> "DiagonalBiLSTMSteps":
        """The same layer one row and one pixel at a time."""
        return DiagonalBiLSTMSteps(self)


class DiagonalBiLSTMSteps:
    """`DiagonalBiLSTM` one row and one pixel at a time; see `pixelrnn_tf.sampling.steps`.

    The left-to-right direction goes along with the pixels: what is known to the left is its state, h and c.
    The right-to-left direction runs over a row when the row is finished, which is early enough, as its output
    goes to the row below. The cache is h of both directions in the last row, and what it adds to this one.
    """

    def __init__(self, layer: DiagonalBiLSTM):
        self.layer, self.hidden = layer, layer.hidden
        self.conv = layer.input_to_state.steps()
        self.input_to_state = ops.split(self.conv.matrix, 2, axis=-1)
        kernel, h, c = (ops.cast(w, "float32") for w in (layer.state_to_state, layer.initial_h, layer.initial_c))
        self.from_above, self.from_left = ([kernel[k, tap] for k in range(2)] for tap in range(2))
        self.initial_h, self.initial_c = ([value[k] for k in range(2)] for value in (h, c))
        # One product for the input and the state on the left.
        self.matrix = ops.concatenate([self.input_to_state[0], self.from_left[0]], axis=0)

    def start(self, batch: Any, width: int) -> Any:
        left_h, right_h = (ops.broadcast_to(h, (batch, width, self.hidden)) for h in self.initial_h)
        return left_h, right_h, ops.zeros((batch, width, self.hidden))

    def fill(self, maps: Any, condition: Any, row: Any) -> tuple[Any, Any]:
        h = ops.cast(self.layer.run(self.layer.input_to_state.call(maps, condition)), "float32")
        left, right = h[0], ops.flip(h[1], axis=2)
        starts = (left, self.initial_h[0]), (right, self.initial_h[1]), (right, ops.zeros(self.hidden))
        cache = tuple(rows_before(padded_above(h, start), row, 1)[:, 0] for h, start in starts)
        return self.layer.from_directions(h), cache

    def _offset(self, condition: Any) -> list[Any]:
        """What of the input-to-state map does not depend on the image, for each direction."""
        return ops.split(self.conv.offset(condition), 2, axis=-1)

    def above(self, cache: Any, condition: Any) -> Any:
        left_h, _, right_output = cache
        return ops.matmul(left_h, self.from_above[0]) + self._offset(condition)[0], right_output

    def left(self, batch: Any) -> Any:
        return tuple(ops.broadcast_to(v[0], (batch, self.hidden)) for v in (self.initial_h, self.initial_c))

    def step(self, x: Any, above: Any, left: Any) -> tuple[Any, Any, Any]:
        gates_above, right_output = above
        left_h, left_c = left
        gates = ops.matmul(ops.concatenate([x, left_h], axis=-1), self.matrix) + gates_above
        h, c, _ = lstm_cell(gates, left_c)
        return h + right_output, (h, c), (x, h)

    def finish(self, cache: Any, record: Any, condition: Any) -> Any:
        return self.finish_together([self], [cache], [record], condition)[0]

    @staticmethod
    def finish_together(layers: list["DiagonalBiLSTMSteps"], caches: Any, records: Any, condition: Any) -> list[Any]:
        """`finish` of several layers of the same size in one loop: the row is known to all of them."""
        gates = [
            ops.matmul(x, layer.input_to_state[1])
            + ops.matmul(right_h, layer.from_above[1])
            + layer._offset(condition)[1]
            for layer, (_, right_h, _), (x, _) in zip(layers, caches, records, strict=True)
        ]
        gates = ops.transpose(ops.stack(gates), (2, 0, 1, 3))
        kernel = ops.stack([layer.from_left[1] for layer in layers])

        def column(state, gates):
            h, c, _ = lstm_cell(gates + ops.matmul(state[0], kernel), state[1])
            return (h, c), h

        shape = (len(layers), ops.shape(gates)[2], layers[0].hidden)
        first = tuple(
            ops.broadcast_to(ops.stack(values)[:, None], shape)
            for values in ([layer.initial_h[1] for layer in layers], [layer.initial_c[1] for layer in layers])
        )
        _, right_h = scan(column, first, gates, reverse=True)
        right_h = ops.transpose(right_h, (1, 2, 0, 3))
        return [(left_h, right_h[k], right_h[k]) for k, (_, left_h) in enumerate(records)]
