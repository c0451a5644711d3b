"""The recurrence of the Row LSTM and of the Diagonal BiLSTM: a 1-D convolutional LSTM (paper Eq. 3).

Both networks scan a map along one axis and convolve the state along the other:

    [o, f, i, g] = [sigmoid, sigmoid, sigmoid, tanh](K_ss * h_prev + K_is * x)
    c = f c_prev + i g
    h = o tanh(c)

`K_is * x` is computed for the whole map beforehand and is the input here. The state of a step has
`positions` cells; `K_ss` reads the previous h at the offsets `taps`: (-1, 0, 1) for the Row LSTM, (-1, 0)
for a diagonal, whose cell is moved so that offset 0 is the left neighbour and -1 the one above.

The gradient is written by hand: the gates and states are kept, and the gradient of the kernel is one
product after the loop instead of one per step.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.scan import scan

NOWHERE = ()  # No step restarts. An empty structure passes through `scan`, as None would not.


def lstm_cell(gates: Any, previous_c: Any) -> tuple[Any, Any, tuple[Any, Any, Any, Any]]:
    """Eq. 3 of the paper, given the sum of its two convolutions.

    Args:
        gates: the sums `(..., 4 * hidden)`, in the order o, f, i, g.
        previous_c: `(..., hidden)`.

    Returns:
        `(h, c, (o, f, i, g))`, each `(..., hidden)`; the gates after activation.
    """
    o, f, i, g = ops.split(gates, 4, axis=-1)
    o, f, i, g = ops.sigmoid(o), ops.sigmoid(f), ops.sigmoid(i), ops.tanh(g)
    c = f * previous_c + i * g
    return o * ops.tanh(c), c, (o, f, i, g)


def conv_lstm(
    inputs: Any,
    kernel: Any,
    initial_h: Any,
    initial_c: Any,
    taps: tuple[int, ...],
    edge_is_initial: bool = False,
    restart: np.ndarray | None = None,
    return_c: bool = False,
) -> Any:
    """Run the recurrence over every step and return h.

    Args:
        inputs: input-to-state map `(steps, directions, batch, positions, 4 * hidden)`; the gates are in the
            order o, f, i, g. Its dtype is the one of the products.
        kernel: state-to-state kernel `(directions, len(taps), hidden, 4 * hidden)`.
        initial_h: h before the first step, `(directions, hidden)`; its dtype is the one of the state.
        initial_c: c before the first step, `(directions, hidden)`.
        taps: offsets, each -1, 0 or 1, at which the kernel reads the previous h.
        edge_is_initial: what a tap reads outside the map: `initial_h`, or zero.
        restart: bool `(steps, positions)`: where True, tap 0 and c start again from the initial state.
        return_c: return `(h, c)`. Their gradient is then the one of the loop itself.

    Returns:
        h `(steps, directions, batch, positions, hidden)`, in the dtype of the state.
    """
    recurrence = _Recurrence(taps, edge_is_initial, restart, initial_h, inputs)

    @ops.custom_gradient
    def run(inputs, kernel, *initial):
        first, (h, c, gates) = recurrence.forward(inputs, kernel, initial)

        def gradient(*upstream):
            (d_h,) = upstream
            return recurrence.backward(d_h, first, h, c, gates, kernel, initial)

        return h, gradient

    # Inside `run` everything must be a plain tensor, and these reshapes make tensors of variables.
    directions, _, hidden, _ = kernel.shape
    kernel = ops.reshape(kernel, (directions, len(taps) * hidden, 4 * hidden))
    initial = initial_h[:, None, None, :], initial_c[:, None, None, :]
    if return_c:
        return recurrence.forward(inputs, kernel, initial)[1][:2]
    return run(inputs, kernel, *initial)


class _Recurrence:
    """The recurrence and its gradient, in terms of tensors given from outside.

    Shapes, with a leading axis of steps where all steps are meant: state and gates
    `(directions, batch, positions, ...)`, initial state `(directions, 1, 1, hidden)`, kernel
    `(directions, len(taps) * hidden, 4 * hidden)`, restart `(positions, 1)`, or nothing.
    """

    def __init__(self, taps, edge_is_initial, restart, initial_h, inputs):
        self.taps, self.edge_is_initial = taps, edge_is_initial
        self.restart = NOWHERE if restart is None else restart[:, :, None]
        self.state_dtype = keras.backend.standardize_dtype(initial_h.dtype)
        self.product_dtype = keras.backend.standardize_dtype(inputs.dtype)

    def forward(self, inputs, kernel, initial):
        """The state before the first step, and h, c and the gates of every step."""
        state_shape = (*ops.shape(inputs)[1:4], initial[0].shape[-1])
        first = tuple(ops.broadcast_to(value, state_shape) for value in initial)

        def step(state, xs):
            h, c = state
            x, restart = xs
            read = read_taps(h, initial[0], self.taps, self.edge_is_initial, restart)
            gates = ops.cast(x, self.state_dtype) + self._product(read, kernel)
            h, c, gates = lstm_cell(gates, _where(restart, initial[1], c))
            return (h, c), (h, c, gates)

        return first, scan(step, first, (inputs, self.restart))[1]

    def backward(self, d_h_out, first, h, c, gates, kernel, initial):
        """Gradients of the inputs, the kernel and the initial h and c."""
        before_h = ops.concatenate([first[0][None], h[:-1]])
        before_c = ops.concatenate([first[1][None], c[:-1]])
        transposed = ops.swapaxes(kernel, -1, -2)

        def step(carry, xs):
            (d_h, d_c), (d_initial_h, d_initial_c) = carry
            d_h_out, restart, gates, c, before_c = xs
            before_c = _where(restart, initial[1], before_c)
            d_gates, d_c = _cell_gradient(d_h + d_h_out, d_c, gates, c, before_c)
            d_gates = ops.cast(d_gates, self.product_dtype)
            d_h, d_start = _transpose_taps(self._product(d_gates, transposed), restart, self.taps, self.edge_is_initial)
            d_initial = d_initial_h + d_start, d_initial_c + _where(restart, d_c, zeros)
            return ((d_h, _where(restart, 0.0, d_c)), d_initial), d_gates

        zeros = ops.zeros_like(first[0])
        xs = (d_h_out, self.restart, gates, c, before_c)
        (d_first, d_initial), d_inputs = scan(step, ((zeros, zeros), (zeros, zeros)), xs, reverse=True)
        # Every step used the same kernel: the sum over steps, images and positions is one product.
        restart = NOWHERE if isinstance(self.restart, tuple) else self.restart[:, None, None]
        read = read_taps(before_h, initial[0], self.taps, self.edge_is_initial, restart)
        d_kernel = ops.einsum("tdnpi,tdnpo->dio", ops.cast(read, self.product_dtype), d_inputs)
        d_initial = [ops.sum(a + b, axis=(1, 2), keepdims=True) for a, b in zip(d_first, d_initial, strict=True)]
        return d_inputs, ops.cast(d_kernel, kernel.dtype), *d_initial

    def _product(self, values, matrix):
        """`values (directions, batch, positions, m)` times `matrix (directions, m, n)`, in the dtype of products."""
        directions, batch, positions, features = ops.shape(values)
        flat = ops.reshape(ops.cast(values, self.product_dtype), (directions, batch * positions, features))
        product = ops.matmul(flat, ops.cast(matrix, self.product_dtype))
        product = ops.reshape(product, (directions, batch, positions, matrix.shape[-1]))
        return ops.cast(product, self.state_dtype)


def _cell_gradient(d_h, d_c, gates, c, before_c):
    """The transpose of `lstm_cell`: gradients of the sums before activation, and of the c before."""
    o, f, i, g = gates
    tanh_c = ops.tanh(c)
    d_c = d_c + d_h * o * (1 - tanh_c * tanh_c)
    d_o, d_f, d_i, d_g = d_h * tanh_c, d_c * before_c, d_c * g, d_c * i
    d_gates = [d_o * o * (1 - o), d_f * f * (1 - f), d_i * i * (1 - i), d_g * (1 - g * g)]
    return ops.concatenate(d_gates, axis=-1), d_c * f


def _where(restart, restarted, value):
    """`restarted` where the recurrence restarts, `value` elsewhere."""
    return value if isinstance(restart, tuple) else ops.where(restart, restarted, value)


def read_taps(h: Any, initial_h: Any, taps: tuple[int, ...], edge_is_initial: bool, restart: Any = NOWHERE) -> Any:
    """The previous h at every tap, side by side: what the state-to-state kernel multiplies.

    Args:
        h: `(..., positions, hidden)`.
        initial_h: broadcasts to h; read outside the map if `edge_is_initial`, and where tap 0 restarts.
        taps: offsets, each -1, 0 or 1.
        edge_is_initial: what lies outside the map: `initial_h`, or zero.
        restart: bool, broadcasts to h; or `NOWHERE`.

    Returns:
        `(..., positions, len(taps) * hidden)`.
    """
    edge = ops.broadcast_to(initial_h, ops.shape(h[..., :1, :])) if edge_is_initial else ops.zeros_like(h[..., :1, :])
    read = {
        -1: lambda: ops.concatenate([edge, h[..., :-1, :]], axis=-2),
        0: lambda: _where(restart, initial_h, h),
        1: lambda: ops.concatenate([h[..., 1:, :], edge], axis=-2),
    }
    return ops.concatenate([read[tap]() for tap in taps], axis=-1)


def _transpose_taps(d_taps, restart, taps, edge_is_initial):
    """The transpose of `read_taps`: gradients of the previous h, and of the initial h at each position."""
    by_tap = dict(zip(taps, ops.split(d_taps, len(taps), axis=-1), strict=True))
    d_own = by_tap[0]
    d_h = _where(restart, 0.0, d_own)
    d_initial = _where(restart, d_own, ops.zeros_like(d_own))
    edge = ops.zeros_like(d_own[..., :1, :])
    rest = ops.zeros_like(d_own[..., 1:, :])
    if -1 in by_tap:
        d_h = d_h + ops.concatenate([by_tap[-1][..., 1:, :], edge], axis=-2)
        if edge_is_initial:
            d_initial = d_initial + ops.concatenate([by_tap[-1][..., :1, :], rest], axis=-2)
    if 1 in by_tap:
        d_h = d_h + ops.concatenate([edge, by_tap[1][..., :-1, :]], axis=-2)
        if edge_is_initial:
            d_initial = d_initial + ops.concatenate([rest, by_tap[1][..., -1:, :]], axis=-2)
    return d_h, d_initial
