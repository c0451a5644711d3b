"""Hand-written gradient of Equation 3, which takes less time and memory than differentiating the loop.

Let s be the sums of the two convolutions, and d_v the gradient of the loss with respect to v. The h of a pixel is read
by the output and, one step later, by the sums of its neighbors. Its c is read by one c of the next step. From the last
step to the first:

    h = o tanh(c)           d_o = d_h tanh(c)      d_c = (d_c of the next step) + d_h o (1 - tanh(c)^2)
    c = f c_prev + i g      d_f = d_c c_prev       d_i = d_c g        d_g = d_c i        d_c_prev = d_c f
    o = sigmoid(s_o) ...    d_s_o = d_o o (1 - o)  same for f, i;     d_s_g = d_g (1 - g^2)
    s = K_ss * h + K_is x   d_input = d_s          d_h_prev = K_ss transposed * d_s

The forward scan keeps h, c and the gates. The backward scan only multiplies by the transposed kernel. The gradient of
the kernel, a sum over all pixels of h_prev times d_s, is one product over full maps afterwards.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.features import side_by_side
from pixelrnn_tf.layers.recurrence import Gates, LSTMWeights, Trace, lstm_scan, product, tanh
from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.layers.scan_order import ScanOrder, reset_state
from pixelrnn_tf.typing import DType, Tensor


def lstm_outputs(inputs: Tensor, weights: LSTMWeights, order: ScanOrder) -> Tensor:
    """Compute h of full maps, equal to that of `lstm_states`, with the hand-written gradient.

    Args:
        inputs: K_is * x, maps `(directions, batch, height, width, 4 * hidden)`, in the dtype of the products.
        weights: weights of all directions.
        order: conversion of maps to steps.

    Returns:
        h `(directions, batch, height, width, hidden)`, in the dtype of the state.
    """

    # `run` may only read plain tensors that are its arguments; `for_steps` converts variables to tensors.
    @ops.custom_gradient
    def run(inputs: Tensor, *weights: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, ...]]]:
        trace = lstm_scan(inputs, LSTMWeights(*weights), order)
        h = order.from_steps(trace.h)

        def gradient(*upstream: Tensor) -> tuple[Tensor, ...]:
            (d_h,) = upstream
            return lstm_gradient(d_h, h, trace, LSTMWeights(*weights), order)

        return h, gradient

    return run(inputs, *weights.for_steps(inputs.dtype))


def lstm_gradient(
    d_outputs: Tensor, h: Tensor, trace: Trace, weights: LSTMWeights, order: ScanOrder
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute the gradient with respect to every argument of the recurrence.

    Args:
        d_outputs: the gradient with respect to h, maps `(directions, batch, height, width, hidden)`.
        h: the outputs, in the same shape.
        trace: result of the forward scan.
        weights: weights from `for_steps`.
        order: conversion of maps to steps.

    Returns:
        `(d_inputs, d_state_to_state, d_initial_h, d_initial_c)`.
    """
    d_sums, d_initial_c = _backward_scan(order.to_steps(d_outputs), trace, weights, order)
    # Convert to maps first: XLA on the CPU would concatenate the gates twice, for two orders of the axes.
    d_inputs = side_by_side([order.from_steps(d) for d in d_sums])
    d_kernels, d_initial_hs = [], []
    neighbors, is_initial = _neighbors_in_maps(h, weights, order)
    # One product per direction: for a batched product, XLA on the CPU would transpose the maps first.
    for read, d, kernel in zip(*map(ops.unstack, (neighbors, d_inputs, weights.state_to_state)), strict=True):
        d_kernel, d_initial_h = _weight_gradients(read, is_initial, d, kernel)
        d_kernels.append(d_kernel)
        d_initial_hs.append(ops.cast(d_initial_h, h.dtype))
    return d_inputs, ops.stack(d_kernels), ops.stack(d_initial_hs)[:, None, None, :], d_initial_c


def _backward_scan(
    d_outputs: Tensor, trace: Trace, weights: LSTMWeights, order: ScanOrder
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Scan from the last step to the first: gradients with respect to the sums of each gate and the initial c.

    The d_sums are `(steps, directions, strips, positions, hidden)`, in the dtype of the products.
    """
    kernel_dtype = keras.backend.standardize_dtype(weights.state_to_state.dtype)
    by_gate = [ops.swapaxes(kernel, -1, -2) for kernel in ops.split(weights.state_to_state, 4, axis=-1)]

    def step(carry: tuple[Tensor, Tensor, Tensor], given: dict[str, Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        d_h, d_c, d_initial_c = carry
        reset_mask = given.get("reset_mask")
        d_sums, d_c = _cell_gradient(d_h + given["d_outputs"], d_c, given["gates"], given["c"])
        d_sums = tuple(ops.cast(d, kernel_dtype) for d in d_sums)
        # One product per gate: for XLA on the CPU, four products are faster than a concatenation of four gates.
        d_read = sum(product(d, kernel, d_h.dtype) for d, kernel in zip(d_sums, by_gate, strict=True))
        d_h = _read_neighbors_transposed(d_read, reset_mask, order)
        if reset_mask is not None:  # At a reset the previous c is the initial one.
            d_initial_c = ops.where(reset_mask, d_initial_c + d_c, d_initial_c)
        return (d_h, reset_state(d_c, 0.0, reset_mask), d_initial_c), d_sums

    zeros = ops.zeros_like(d_outputs[0])
    given = order.with_reset_mask(d_outputs=d_outputs, gates=trace.gates, c=trace.c)
    (_, d_c, d_initial_c), d_sums = scan(step, (zeros, zeros, zeros), given, reverse=True, inline=True)
    # The first step always starts from the initial c, whatever the mask.
    return d_sums, ops.sum(d_initial_c + d_c, axis=(1, 2), keepdims=True)


def _cell_gradient(d_h: Tensor, d_c: Tensor, gates: Gates, c: Tensor) -> tuple[Gates, Tensor]:
    """Transpose of `lstm_cell`: the gradients with respect to the four sums and the previous c.

    Args:
        d_h: gradient with respect to h, from the output and the next step.
        d_c: gradient with respect to c, from the next step.
        gates: o, f, i, g.
        c: c of this step.
    """
    o, f, i, g = gates
    tanh_c = tanh(c)
    d_c = d_c + d_h * o * (1 - tanh_c * tanh_c)  # h = o tanh(c)
    d_sum_o = d_h * tanh_c * o * (1 - o)  # h = o tanh(c), o = sigmoid(sum)
    d_sum_f = d_c * (c - i * g) * (1 - f)  # c = f c_prev + i g, so f c_prev = c - i g, and c_prev need not be kept
    d_sum_i = d_c * g * i * (1 - i)
    d_sum_g = d_c * i * (1 - g * g)  # g = tanh(sum)
    return (d_sum_o, d_sum_f, d_sum_i, d_sum_g), d_c * f


def _read_neighbors_transposed(d_read: Tensor, reset_mask: Tensor | None, order: ScanOrder) -> Tensor:
    """Transpose of `read_neighbors` with respect to h; reads of the initial state are left out."""
    by_tap = dict(zip(order.taps, ops.split(d_read, len(order.taps), axis=-1), strict=True))
    edge = ops.zeros_like(by_tap[0][..., :1, :])
    d_h = reset_state(by_tap[0], 0.0, reset_mask)
    if -1 in by_tap:
        d_h = d_h + ops.concatenate([by_tap[-1][..., 1:, :], edge], axis=-2)
    if 1 in by_tap:
        d_h = d_h + ops.concatenate([edge, by_tap[1][..., :-1, :]], axis=-2)
    return d_h


def _weight_gradients(read: Tensor, is_initial: Tensor, d_sums: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the gradients with respect to the kernel and the initial h of one direction: sums over all pixels.

    Args:
        read: h of the neighbors, `(batch, height, width, taps * hidden)`.
        is_initial: 1 where the neighbor is the initial state, `(taps, batch * height * width)`.
        d_sums: `(batch, height, width, 4 * hidden)`.
        kernel: `(taps * hidden, 4 * hidden)`.
    """
    taps, sums = is_initial.shape[0], d_sums.shape[-1]
    d_sums = ops.reshape(d_sums, (-1, sums))
    d_kernel = ops.matmul(ops.transpose(ops.reshape(read, (-1, read.shape[-1]))), d_sums)
    by_tap = ops.reshape(kernel, (taps, -1, sums))
    return d_kernel, ops.einsum("ko,kio->i", ops.matmul(is_initial, d_sums), by_tap)


def _neighbors_in_maps(h: Tensor, weights: LSTMWeights, order: ScanOrder) -> tuple[Tensor, Tensor]:
    """Recompute what `read_neighbors` read, as maps in the kernel's dtype, and where it was the initial state.

    Returns:
        `(directions, batch, height, width, taps * hidden)` and `(taps, batch * height * width)`.
    """
    dtype: DType = weights.state_to_state.dtype
    batch, height, width = ops.shape(h)[1:4]
    read, is_initial = [], []
    for neighbor in order.neighbors:
        initial = _is_initial(height, width, neighbor, order.edge_is_initial)
        read.append(ops.where(initial[:, :, None], weights.initial_h[:, None], _moved(h, *neighbor)))
        is_initial.append(ops.broadcast_to(ops.cast(initial, dtype), (batch, height, width)))
    return ops.cast(side_by_side(read), dtype), ops.reshape(ops.stack(is_initial), (len(is_initial), -1))


def _moved(maps: Tensor, rows: int, columns: int) -> Tensor:
    """Shift maps `(directions, batch, height, width, features)` so that a pixel holds its neighbor; zero outside."""
    height, width = maps.shape[2:4]
    right = max(columns, 0)
    maps = ops.pad(maps, ((0, 0), (0, 0), (-rows, 0), (max(-columns, 0), right), (0, 0)))
    return maps[:, :, :height, right : right + width]


def _is_initial(height: int, width: int, neighbor: tuple[int, int], edge_is_initial: bool) -> np.ndarray:
    """Mask of the pixels whose neighbor is the initial state: bool `(height, width)`."""
    rows = np.arange(height)[:, None] + neighbor[0]
    columns = np.arange(width) + neighbor[1]
    beside = (columns < 0) | (columns >= width)
    return (rows < 0) | beside if edge_is_initial else (rows < 0) & ~beside
