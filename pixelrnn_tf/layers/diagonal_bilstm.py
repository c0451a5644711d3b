"""The Diagonal BiLSTM (paper section 3.2), on full maps and pixel by pixel."""

from collections.abc import Sequence
from typing import Self

import keras
from keras import ops

from pixelrnn_tf.layers.features import feature_product
from pixelrnn_tf.layers.incremental import IncrementalForm, Tensors, row_before
from pixelrnn_tf.layers.recurrence import lstm_cell
from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.layers.scan_order import ScanOrder
from pixelrnn_tf.layers.skewing import diagonal_order
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.typing import DType, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class DiagonalBiLSTM(TwoDimensionalLSTM):
    """Two LSTMs that run over the diagonals of a map, from its two upper corners.

    Input-to-state is a masked 1x1 convolution of the full map. The map is skewed so that its diagonals become columns.
    State-to-state is an unmasked convolution with 2 taps over the previous column: the left neighbor and the upper one.
    c comes from the left. The learned initial state is to the left of every row and above the first one.

    The right-to-left direction runs over the mirrored map. Its output at a pixel depends on pixels to the right, so it
    is moved down by one row before it is added: out[r, c] = left[r, c] + right[r - 1, c], with zeros in row 0.

    Reference: van den Oord et al. 2016, section 3.2, Figure 3.

    Args:
        hidden: number of units h of each direction.
        channels: number of colors; the units of every gate are split into as many groups.
        condition_features: features of the conditioning map; 0 for none.

    Call arguments:
        inputs: map `(batch, height, width, features)` with static height, width and features.
        condition: map `(batch, height, width, condition_features)`; required if `condition_features` is not 0.

    Output shape:
        `(batch, height, width, hidden)`: the sum of both directions.

    Example:

    >>> import numpy as np
    >>> DiagonalBiLSTM(16)(np.zeros((1, 8, 8, 32))).shape
    TensorShape([1, 8, 8, 16])
    """

    directions = 2
    input_to_state_size = (1, 1)
    taps = 2

    def to_directions(self, input_to_state: Tensor) -> Tensor:
        left, right = ops.split(input_to_state, 2, axis=-1)
        return ops.stack([left, ops.flip(right, axis=2)])

    def from_directions(self, h: Tensor) -> Tensor:
        left, right = h[0], ops.flip(h[1], axis=2)
        return left + ops.pad(right[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))

    def scan_order(self, batch: int | None, height: int, width: int) -> ScanOrder:
        return diagonal_order(batch, height, width)

    def incremental(self, dtype: DType = "float32") -> "IncrementalDiagonalBiLSTM":
        return IncrementalDiagonalBiLSTM(self, dtype)


class IncrementalDiagonalBiLSTM(IncrementalForm):
    """`DiagonalBiLSTM` row by row and pixel by pixel.

    The left-to-right direction advances with the pixels: its h and c are the state. The right-to-left direction runs
    over a row once the row is finished, in time for the row below, which is the first to use its output.

    Cache `left_h`, `right_h`: h of both directions in the row above, `(batch, width, hidden)`; `right_output`: the
    right-to-left output that is added to this row, zero for the first. Context `sums`, `right_output`: contributions of
    the row above to the sums of Equation 3 and to the output. State `h`, `c`: left of the pixel. Record `inputs`, `h`:
    of the pixel, h of the left-to-right direction.
    """

    layer: DiagonalBiLSTM

    def __init__(self, layer: DiagonalBiLSTM, dtype: DType):
        super().__init__(layer, dtype)
        self.convolution = layer.input_to_state.incremental(dtype)
        self.input_to_state = ops.split(self.convolution.matrix, 2, axis=-1)
        kernel, h, c = (self.cast(weight) for weight in layer.lstm_weights())
        self.from_above, self.from_left = (ops.unstack(taps) for taps in ops.unstack(kernel, axis=1))
        self.initial_h, self.initial_c = ops.unstack(h), ops.unstack(c)
        # One product for the input and the state on the left.
        self.matrix = ops.concatenate([self.input_to_state[0], self.from_left[0]], axis=0)

    def initial_cache(self, batch: int | Tensor, width: int) -> Tensors:
        shape = (batch, width, self.layer.hidden)
        left_h, right_h = (ops.broadcast_to(h, shape) for h in self.initial_h)
        return {"left_h": left_h, "right_h": right_h, "right_output": ops.zeros(shape, self.dtype)}

    def prefill(self, maps: Tensor, condition: Tensor | None, row: Tensor) -> tuple[Tensor, Tensors]:
        h, _ = self.layer.states(self.layer.input_to_state.call(maps, condition), self.dtype)
        left, right = h[0], ops.flip(h[1], axis=2)
        cache = {
            "left_h": row_before(left, row, self.initial_h[0]),
            "right_h": row_before(right, row, self.initial_h[1]),
            "right_output": row_before(right, row, ops.zeros_like(self.initial_h[1])),
        }
        return self.layer.from_directions(h), cache

    def _offset(self, condition: Tensor | None, direction: int) -> Tensor:
        """Part of one direction's input-to-state map that does not depend on the image."""
        return ops.split(self.convolution.offset(condition), 2, axis=-1)[direction]

    def row_context(self, cache: Tensors, condition: Tensor | None) -> Tensors:
        sums = feature_product(cache["left_h"], self.from_above[0]) + self._offset(condition, 0)
        return {"sums": sums, "right_output": cache["right_output"]}

    def initial_state(self, batch: int | Tensor) -> Tensors:
        shape = (batch, self.layer.hidden)
        return {"h": ops.broadcast_to(self.initial_h[0], shape), "c": ops.broadcast_to(self.initial_c[0], shape)}

    def decode(self, x: Tensor, context: Tensors, state: Tensors) -> tuple[Tensor, Tensors, Tensors]:
        sums = ops.matmul(ops.concatenate([x, state["h"]], axis=-1), self.matrix) + context["sums"]
        h, c, _ = lstm_cell(sums, state["c"])
        return h + context["right_output"], {"h": h, "c": c}, {"inputs": x, "h": h}

    def next_cache(self, cache: Tensors, record: Tensors, condition: Tensor | None) -> Tensors:
        return self.next_caches([self], [cache], [record], [condition])[0]

    @classmethod
    def next_caches(
        cls,
        forms: Sequence[Self],
        caches: Sequence[Tensors],
        records: Sequence[Tensors],
        conditions: Sequence[Tensor | None],
    ) -> list[Tensors]:
        """Scan the finished row from right to left, in one loop for all layers with the same number of units."""
        rights: dict[int, Tensor] = {}
        for hidden in {form.layer.hidden for form in forms}:
            same = [k for k, form in enumerate(forms) if form.layer.hidden == hidden]
            sums = [forms[k]._right_sums(caches[k], records[k], conditions[k]) for k in same]
            rights |= dict(zip(same, _scan_right_to_left([forms[k] for k in same], sums), strict=True))
        return [
            {"left_h": record["h"], "right_h": rights[k], "right_output": rights[k]} for k, record in enumerate(records)
        ]

    def _right_sums(self, cache: Tensors, record: Tensors, condition: Tensor | None) -> Tensor:
        """Sums of Equation 3 of the right-to-left direction, without the contribution of its own row."""
        own = feature_product(record["inputs"], self.input_to_state[1])
        return own + feature_product(cache["right_h"], self.from_above[1]) + self._offset(condition, 1)


def _scan_right_to_left(forms: Sequence[IncrementalDiagonalBiLSTM], sums: list[Tensor]) -> list[Tensor]:
    """Compute h of the right-to-left direction in a row, `(batch, width, hidden)` for each layer.

    Args:
        forms: forms of layers with the same number of units.
        sums: for each layer `(batch, width, 4 * hidden)`, without the contribution of the pixel to the right.
    """
    columns = ops.transpose(ops.stack(sums), (2, 0, 1, 3))
    kernel = ops.stack([form.from_left[1] for form in forms])

    def column(state: tuple[Tensor, Tensor], sums: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        h, c, _ = lstm_cell(sums + ops.matmul(state[0], kernel), state[1])
        return (h, c), h

    shape = (len(forms), ops.shape(columns)[2], forms[0].layer.hidden)
    initial = [form.initial_h[1] for form in forms], [form.initial_c[1] for form in forms]
    first = tuple(ops.broadcast_to(ops.stack(values)[:, None], shape) for values in initial)
    _, h = scan(column, first, columns, reverse=True)
    return list(ops.unstack(ops.transpose(h, (1, 2, 0, 3)), len(forms)))
