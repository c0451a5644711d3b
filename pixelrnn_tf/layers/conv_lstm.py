"""The recurrence of the Row LSTM and of the Diagonal BiLSTM: a 1-D convolutional LSTM (paper Eq. 3).

Both networks scan a map along one axis and convolve the state along the other:

    [o, f, i, g] = [sigmoid, sigmoid, sigmoid, tanh](K_ss * h_prev + K_is * x)
    c = f c_prev + i g
    h = o tanh(c)

`K_is * x` is computed for the whole map beforehand and is the input here. `K_ss` reads h at the neighbours of a
pixel that come before it: three of the row above, or the left one and the one above. An `Order` says how the
pixels of a map are put into steps so that the neighbours of every pixel lie in the step before its own.

The gradient is written by hand: the gates and c are kept, the backward loop multiplies by the transposed
kernel alone, and the gradient of the kernel is a product over all pixels of the maps after it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.features import side_by_side
from pixelrnn_tf.layers.scan import scan

NOWHERE = ()  # No step restarts. An empty structure passes through `scan`, as None would not.


class Order(NamedTuple):
    """How maps become steps, and which neighbours of a pixel the recurrence reads.

    A step is `(directions, strips, positions, features)`.

    Attributes:
        to_steps: from maps `(directions, batch, height, width, features)` to
            `(steps, directions, strips, positions, features)`, zero where no pixel falls.
        from_steps: the way back.
        taps: for every neighbour, its position in the step before, less the pixel's own: -1, 0 or 1.
        neighbours: for every tap, the same neighbour's row and column, less the pixel's own.
        edge_is_initial: what the taps -1 and 1 read outside a step: the initial h, or zero.
        restart: bool `(steps, positions)`: where the neighbour of tap 0, and c, are the initial state; or None.
    """

    to_steps: Callable[[Any], Any]
    from_steps: Callable[[Any], Any]
    taps: tuple[int, ...]
    neighbours: tuple[tuple[int, int], ...]
    edge_is_initial: bool
    restart: np.ndarray | None = None


def lstm_cell(gates: Any, previous_c: Any) -> tuple[Any, Any, tuple[Any, Any, Any, Any]]:
    """Eq. 3 of the paper, given the sum of its two convolutions.

    Args:
        gates: the sums `(..., 4 * hidden)`, in the order o, f, i, g.
        previous_c: `(..., hidden)`.

    Returns:
        `(h, c, (o, f, i, g))`, each `(..., hidden)`; the gates after activation.
    """
    # sigmoid(x) = (1 + tanh(x / 2)) / 2: one tanh of all gates together costs half as much as four functions.
    half, whole = [0.5] * 3 + [1.0], [0.5] * 3 + [0.0]
    slope, shift = (ops.cast(np.repeat(v, previous_c.shape[-1]), gates.dtype) for v in (half, whole))
    o, f, i, g = ops.split(ops.tanh(gates * slope) * slope + shift, 4, axis=-1)
    c = f * previous_c + i * g
    return o * ops.tanh(c), c, (o, f, i, g)


def conv_lstm(inputs: Any, kernel: Any, initial_h: Any, initial_c: Any, order: Order, return_c: bool = False) -> Any:
    """Run the recurrence over maps and return h.

    Args:
        inputs: input-to-state maps `(directions, batch, height, width, 4 * hidden)`; the gates are in the order
            o, f, i, g. Their dtype is the one of the products.
        kernel: state-to-state kernel `(directions, len(taps), hidden, 4 * hidden)`.
        initial_h: h where there is no pixel before, `(directions, hidden)`; its dtype is the one of the state.
        initial_c: c there, `(directions, hidden)`.
        order: how maps become steps.
        return_c: return `(h, c)`. Their gradient is then the one of the loop itself.

    Returns:
        h `(directions, batch, height, width, hidden)`, in the dtype of the state.
    """
    recurrence = _Recurrence(order, initial_h, inputs)

    @ops.custom_gradient
    def run(inputs, kernel, *initial):
        h, c, gates = recurrence.forward(inputs, kernel, initial)
        h = order.from_steps(h)

        def gradient(*upstream):
            (d_h,) = upstream
            return recurrence.backward(d_h, h, c, gates, kernel, initial)

        return h, gradient

    # Inside `run` everything must be a plain tensor, and these reshapes make tensors of variables.
    directions, _, hidden, _ = kernel.shape
    kernel = ops.reshape(kernel, (directions, len(order.taps) * hidden, 4 * hidden))
    initial = initial_h[:, None, None, :], initial_c[:, None, None, :]
    if return_c:
        h, c, _ = recurrence.forward(inputs, kernel, initial)
        return order.from_steps(h), order.from_steps(c)
    return run(inputs, kernel, *initial)


class _Recurrence:
    """The recurrence and its gradient, in terms of tensors given from outside.

    Shapes: state and gates of a step `(directions, strips, positions, ...)`, initial state
    `(directions, 1, 1, hidden)`, kernel `(directions, len(taps) * hidden, 4 * hidden)`.
    """

    def __init__(self, order, initial_h, inputs):
        self.order = order
        self.restart = NOWHERE if order.restart is None else order.restart[:, :, None]
        self.state_dtype = keras.backend.standardize_dtype(initial_h.dtype)
        self.product_dtype = keras.backend.standardize_dtype(inputs.dtype)

    def forward(self, inputs, kernel, initial):
        """h, c and the gates of every step."""
        inputs = self.order.to_steps(inputs)
        state_shape = (*ops.shape(inputs)[1:4], initial[0].shape[-1])
        first = tuple(ops.broadcast_to(value, state_shape) for value in initial)

        def step(state, xs):
            h, c = state
            x, restart = xs
            read = read_taps(h, initial[0], self.order, restart)
            h, c, gates = lstm_cell(
                ops.cast(x, self.state_dtype) + self._product(read, kernel), _where(restart, initial[1], c)
            )
            return (h, c), (h, c, gates)

        return scan(step, first, (inputs, self.restart))[1]

    def backward(self, d_h_out, h, c, gates, kernel, initial):
        """Gradients of the inputs, the kernel and the initial h and c."""
        d_h_out = self.order.to_steps(d_h_out)
        by_gate = [ops.swapaxes(matrix, -1, -2) for matrix in ops.split(kernel, 4, axis=-1)]

        def step(carry, xs):
            d_h, d_c, d_initial_c = carry
            d_h_out, restart, gates, c = xs
            d_gates, d_c = _cell_gradient(d_h + d_h_out, d_c, gates, c)
            d_gates = [ops.cast(d, self.product_dtype) for d in d_gates]
            # Gate by gate: XLA on the CPU runs four products faster than it lays four gates side by side.
            d_read = sum(self._product(d, matrix) for d, matrix in zip(d_gates, by_gate, strict=True))
            d_h = _transpose_taps(d_read, restart, self.order.taps)
            return (d_h, _where(restart, 0.0, d_c), _where(restart, d_initial_c + d_c, d_initial_c)), d_gates

        zeros = ops.zeros_like(d_h_out[0])
        xs = (d_h_out, self.restart, gates, c)
        (_, d_c, d_initial_c), d_gates = scan(step, (zeros, zeros, zeros), xs, reverse=True)
        # Put into maps first: XLA on the CPU would lay four steps side by side twice, for two orders of the axes.
        d_inputs = side_by_side([self.order.from_steps(d) for d in d_gates])
        d_kernel, d_initial_h = self._weight_gradients(d_inputs, h, kernel, initial[0])
        d_initial_c = d_c if self.restart is NOWHERE else d_initial_c + d_c
        return d_inputs, d_kernel, d_initial_h, ops.sum(d_initial_c, axis=(1, 2), keepdims=True)

    def _weight_gradients(self, d_inputs, h, kernel, initial_h):
        """Gradients of the kernel and of the initial h: every pixel used the same ones."""
        hidden, outputs = h.shape[-1], d_inputs.shape[-1]
        batch, height, width = ops.shape(h)[1:4]
        read, starts = [], []
        for neighbour in self.order.neighbours:
            start = _reads_initial(height, width, neighbour, self.order.edge_is_initial)
            read.append(ops.where(start[:, :, None], initial_h[:, None], _neighbour(h, *neighbour)))
            starts.append(ops.broadcast_to(ops.cast(start, self.product_dtype), (batch, height, width)))
        read, starts = (
            ops.cast(side_by_side(read), self.product_dtype),
            ops.reshape(ops.stack(starts), (len(starts), -1)),
        )
        d_kernels, d_initials = [], []
        # A product for each direction: as one batched product, XLA on the CPU would transpose the maps first.
        for r, d, matrix in zip(ops.unstack(read), ops.unstack(d_inputs), ops.unstack(kernel), strict=True):
            r, d = ops.reshape(r, (-1, r.shape[-1])), ops.reshape(d, (-1, outputs))
            d_kernels.append(ops.cast(ops.matmul(ops.transpose(r), d), kernel.dtype))
            by_tap = ops.reshape(ops.cast(matrix, self.product_dtype), (-1, hidden, outputs))
            d_initials.append(ops.cast(ops.einsum("ko,kio->i", ops.matmul(starts, d), by_tap), self.state_dtype))
        return ops.stack(d_kernels), ops.stack(d_initials)[:, None, None, :]

    def _product(self, values, matrix):
        """`values (directions, strips, positions, m)` times `matrix (directions, m, n)`, in the dtype of products."""
        directions, strips, positions, features = ops.shape(values)
        flat = ops.reshape(ops.cast(values, self.product_dtype), (directions, strips * positions, features))
        product = ops.matmul(flat, ops.cast(matrix, self.product_dtype))
        product = ops.reshape(product, (directions, strips, positions, matrix.shape[-1]))
        return ops.cast(product, self.state_dtype)


def _cell_gradient(d_h, d_c, gates, c):
    """The transpose of `lstm_cell`: gradients of the sums before activation, and of the c before."""
    o, f, i, g = gates
    tanh_c = ops.tanh(c)
    d_c = d_c + d_h * o * (1 - tanh_c * tanh_c)
    # f times the c before is c - i g: it need not be kept.
    d_gates = [d_h * tanh_c * o * (1 - o), d_c * (c - i * g) * (1 - f), d_c * g * i * (1 - i), d_c * i * (1 - g * g)]
    return d_gates, d_c * f


def _where(restart, restarted, value):
    """`restarted` where the recurrence restarts, `value` elsewhere."""
    return value if isinstance(restart, tuple) else ops.where(restart, restarted, value)


def read_taps(h: Any, initial_h: Any, order: Order, restart: Any = NOWHERE) -> Any:
    """The previous h at every tap, side by side: what the state-to-state kernel multiplies.

    Args:
        h: `(..., positions, hidden)`.
        initial_h: broadcasts to h; read outside the step if `edge_is_initial`, and where tap 0 restarts.
        order: says the taps.
        restart: bool, broadcasts to h; or `NOWHERE`.

    Returns:
        `(..., positions, len(taps) * hidden)`.
    """
    edge = ops.zeros_like(h[..., :1, :])
    if order.edge_is_initial:
        edge = ops.broadcast_to(initial_h, ops.shape(edge))
    read = {
        -1: lambda: ops.concatenate([edge, h[..., :-1, :]], axis=-2),
        0: lambda: _where(restart, initial_h, h),
        1: lambda: ops.concatenate([h[..., 1:, :], edge], axis=-2),
    }
    return side_by_side([read[tap]() for tap in order.taps])


def _transpose_taps(d_taps, restart, taps):
    """The transpose of `read_taps` as to h: what a tap read outside, or from the initial state, is left out."""
    by_tap = dict(zip(taps, ops.split(d_taps, len(taps), axis=-1), strict=True))
    edge = ops.zeros_like(d_taps[..., :1, : by_tap[0].shape[-1]])
    d_h = _where(restart, 0.0, by_tap[0])
    if -1 in by_tap:
        d_h = d_h + ops.concatenate([by_tap[-1][..., 1:, :], edge], axis=-2)
    if 1 in by_tap:
        d_h = d_h + ops.concatenate([edge, by_tap[1][..., :-1, :]], axis=-2)
    return d_h


def _neighbour(maps, rows, columns):
    """Maps `(directions, batch, height, width, features)` moved so that a pixel holds its neighbour; zero outside."""
    height, width = maps.shape[2:4]
    right = max(columns, 0)
    maps = ops.pad(maps, ((0, 0), (0, 0), (-rows, 0), (max(-columns, 0), right), (0, 0)))
    return maps[:, :, :height, right : right + width]


def _reads_initial(height, width, neighbour, edge_is_initial):
    """Bool `(height, width)`: the pixels whose neighbour is the initial state."""
    rows = np.arange(height)[:, None] + neighbour[0]
    columns = np.arange(width) + neighbour[1]
    beside = (columns < 0) | (columns >= width)
    return (rows < 0) | beside if edge_is_initial else (rows < 0) & ~beside
