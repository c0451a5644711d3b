"""The Row LSTM (paper section 3.1), on full maps and pixel by pixel."""

import keras
from keras import ops

from pixelrnn_tf.layers.features import feature_product
from pixelrnn_tf.layers.incremental import IncrementalForm, Tensors, row_before
from pixelrnn_tf.layers.recurrence import lstm_cell
from pixelrnn_tf.layers.scan_order import ScanOrder, read_neighbors
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.typing import DType, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class RowLSTM(TwoDimensionalLSTM):
    """LSTM over the rows of a map from top to bottom, one row per step.

    Input-to-state is a masked 1x3 convolution of the full map. State-to-state is an unmasked convolution with 3 taps
    over the previous row's h: left, center and right. Outside the map it reads zeros, and above the first row the
    learned initial state. c moves straight down its column.

    Reference: van den Oord et al. 2016, section 3.1, Eq. 3.

    Args:
        hidden: number of units h.
        channels: number of colors; the units of every gate are split into as many groups.
        condition_features: features of the conditioning map; 0 for none.

    Call arguments:
        inputs: map `(batch, height, width, features)` with static height, width and features.
        condition: map `(batch, height, width, condition_features)`; required if `condition_features` is not 0.

    Output shape:
        `(batch, height, width, hidden)`.

    Example:

    >>> import numpy as np
    >>> RowLSTM(16)(np.zeros((1, 8, 8, 32))).shape
    TensorShape([1, 8, 8, 16])
    """

    directions = 1
    input_to_state_size = (1, 3)
    taps = 3

    def to_directions(self, input_to_state: Tensor) -> Tensor:
        return input_to_state[None]

    def from_directions(self, h: Tensor) -> Tensor:
        return h[0]

    def scan_order(self, batch: int | None, height: int, width: int) -> ScanOrder:
        """One row of every image per step; the three neighbors above a pixel are in the previous step."""
        return ROW_ORDER

    def incremental(self, dtype: DType = "float32") -> "IncrementalRowLSTM":
        return IncrementalRowLSTM(self, dtype)


ROW_ORDER = ScanOrder(
    to_steps=lambda maps: ops.transpose(maps, (2, 0, 1, 3, 4)),
    from_steps=lambda steps: ops.transpose(steps, (1, 2, 0, 3, 4)),
    neighbors=((-1, -1), (-1, 0), (-1, 1)),
    position_axis=1,
    edge_is_initial=False,
)


class IncrementalRowLSTM(IncrementalForm):
    """`RowLSTM` row by row and pixel by pixel.

    Cache `h`, `c`: the state of the row above, `(batch, width, hidden)`; its contribution is computed once per row.
    Context `sums`, `c`: contribution of the row above to the sums of Equation 3, and c above the pixel. State: that of
    the input-to-state convolution. Record `h`, `c`: of the pixel.
    """

    layer: RowLSTM

    def __init__(self, layer: RowLSTM, dtype: DType):
        super().__init__(layer, dtype)
        self.input_to_state = layer.input_to_state.incremental(dtype)
        self.kernel = self.cast(ops.reshape(layer.state_to_state, (layer.taps * layer.hidden, 4 * layer.hidden)))
        self.initial_h, self.initial_c = self.cast(layer.initial_h[0]), self.cast(layer.initial_c[0])

    def initial_cache(self, batch: int | Tensor, width: int) -> Tensors:
        shape = (batch, width, self.layer.hidden)
        return {"h": ops.broadcast_to(self.initial_h, shape), "c": ops.broadcast_to(self.initial_c, shape)}

    def prefill(self, maps: Tensor, condition: Tensor | None, row: Tensor) -> tuple[Tensor, Tensors]:
        states = self.layer.states(self.layer.input_to_state.call(maps, condition), self.dtype)
        h, c = (self.layer.from_directions(value) for value in states)
        return h, {"h": row_before(h, row, self.initial_h), "c": row_before(c, row, self.initial_c)}

    def row_context(self, cache: Tensors, condition: Tensor | None) -> Tensors:
        above = read_neighbors(cache["h"], self.initial_h, ROW_ORDER)
        return {"sums": feature_product(above, self.kernel) + self.input_to_state.offset(condition), "c": cache["c"]}

    def initial_state(self, batch: int | Tensor) -> Tensors:
        return self.input_to_state.initial_state(batch)

    def decode(self, x: Tensor, context: Tensors, state: Tensors) -> tuple[Tensor, Tensors, Tensors]:
        sums, state = self.input_to_state.add_to(context["sums"], x, state)
        h, c, _ = lstm_cell(sums, context["c"])
        return h, state, {"h": h, "c": c}

    def next_cache(self, cache: Tensors, record: Tensors, condition: Tensor | None) -> Tensors:
        return record
