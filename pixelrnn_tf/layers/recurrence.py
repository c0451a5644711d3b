"""Equation 3 of the paper, the recurrence of the Row LSTM and of the Diagonal BiLSTM, and its scan over maps.

    [o, f, i, g] = [sigmoid, sigmoid, sigmoid, tanh](K_ss * h_prev + K_is * x)
    c = f c_prev + i g
    h = o tanh(c)

`K_is * x`, the input-to-state convolution, is computed for the full map beforehand and is the input here. `K_ss`, the
state-to-state convolution, reads h at earlier neighbors of a pixel: three in the row above, or the left one and the
upper one. A `ScanOrder` defines these neighbors and the order of the scan.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.layers.scan_order import ScanOrder, read_neighbors, reset_state
from pixelrnn_tf.typing import DType, Tensor

Gates = tuple[Tensor, Tensor, Tensor, Tensor]


def lstm_cell(sums: Tensor, previous_c: Tensor) -> tuple[Tensor, Tensor, Gates]:
    """Apply Equation 3 to the sum of its two convolutions.

    Args:
        sums: `K_ss * h_prev + K_is * x`, `(..., 4 * hidden)`, in the order o, f, i, g.
        previous_c: `(..., hidden)`.

    Returns:
        `(h, c, (o, f, i, g))`, each `(..., hidden)`.
    """
    o, f, i, g = gates(sums)
    c = f * previous_c + i * g
    h = o * tanh(c)
    return h, c, (o, f, i, g)


def gates(sums: Tensor) -> Gates:
    """Apply `[sigmoid, sigmoid, sigmoid, tanh]` to the four quarters of the features of `sums`.

    Since sigmoid(x) = (1 + tanh(x / 2)) / 2, one tanh computes all four, at half the cost of four functions.
    """
    hidden = sums.shape[-1] // 4
    slope = ops.cast(np.repeat([0.5, 0.5, 0.5, 1.0], hidden), sums.dtype)
    shift = ops.cast(np.repeat([0.5, 0.5, 0.5, 0.0], hidden), sums.dtype)
    o, f, i, g = ops.split(tanh(sums * slope) * slope + shift, 4, axis=-1)
    return o, f, i, g


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent in the dtype of `x`; on JAX, Keras's own converts float64 to float32."""
    if keras.backend.backend() == "jax" and keras.backend.standardize_dtype(x.dtype) == "float64":
        return 2.0 * ops.sigmoid(2.0 * x) - 1.0
    return ops.tanh(x)


class LSTMWeights(NamedTuple):
    """Weights of the recurrence, for all directions.

    Attributes:
        state_to_state: K_ss, `(directions, taps, hidden, 4 * hidden)`; the gates are in the order o, f, i, g.
        initial_h: h before the first pixel, `(directions, hidden)`; its dtype is the dtype of the state.
        initial_c: c before the first pixel, `(directions, hidden)`.
    """

    state_to_state: Tensor
    initial_h: Tensor
    initial_c: Tensor

    def for_steps(self, product_dtype: DType) -> "LSTMWeights":
        """Reshape for a step: `(directions, taps * hidden, 4 * hidden)` and `(directions, 1, 1, hidden)`."""
        directions, taps, hidden, sums = self.state_to_state.shape
        kernel = ops.reshape(self.state_to_state, (directions, taps * hidden, sums))
        initial = (value[:, None, None, :] for value in (self.initial_h, self.initial_c))
        return LSTMWeights(ops.cast(kernel, product_dtype), *initial)


class Trace(NamedTuple):
    """h, c and the gates of every step of a scan: `(steps, directions, strips, positions, hidden)`."""

    h: Tensor
    c: Tensor
    gates: Gates


def lstm_scan(inputs: Tensor, weights: LSTMWeights, order: ScanOrder) -> Trace:
    """Run Equation 3 step by step.

    Products are in the dtype of the kernel; the sums, h and c in the dtype of the initial state.

    Args:
        inputs: K_is * x, maps `(directions, batch, height, width, 4 * hidden)`.
        weights: weights from `for_steps`.
        order: conversion of maps to steps.
    """
    kernel, initial_h, initial_c = weights
    state_dtype = keras.backend.standardize_dtype(initial_h.dtype)
    inputs = order.to_steps(inputs)
    state_shape = (*ops.shape(inputs)[1:4], initial_h.shape[-1])

    def step(state: tuple[Tensor, Tensor], given: dict[str, Tensor]) -> tuple[tuple[Tensor, Tensor], Trace]:
        (h, c), reset_mask = state, given.get("reset_mask")
        neighbors = read_neighbors(h, initial_h, order, reset_mask)
        sums = ops.cast(given["inputs"], state_dtype) + product(neighbors, kernel, state_dtype)
        h, c, o_f_i_g = lstm_cell(sums, reset_state(c, initial_c, reset_mask))
        return (h, c), Trace(h, c, o_f_i_g)

    first = (ops.broadcast_to(initial_h, state_shape), ops.broadcast_to(initial_c, state_shape))
    trace: Trace = scan(step, first, order.with_reset_mask(inputs=inputs), inline=True)[1]
    return trace


def lstm_states(inputs: Tensor, weights: LSTMWeights, order: ScanOrder) -> tuple[Tensor, Tensor]:
    """Compute h and c of full maps; the backend differentiates the loop.

    Args:
        inputs: K_is * x, maps `(directions, batch, height, width, 4 * hidden)`, in the dtype of the products.
        weights: weights of all directions.
        order: conversion of maps to steps.

    Returns:
        `(h, c)`, each `(directions, batch, height, width, hidden)`, in the dtype of the state.
    """
    trace = lstm_scan(inputs, weights.for_steps(inputs.dtype), order)
    return order.from_steps(trace.h), order.from_steps(trace.c)


def product(values: Tensor, matrix: Tensor, dtype: DType) -> Tensor:
    """Multiply `values (directions, strips, positions, m)` by `matrix (directions, m, n)` in the dtype of the matrix.

    Returns:
        `(directions, strips, positions, n)` in `dtype`.
    """
    directions, strips, positions, features = ops.shape(values)
    flat = ops.reshape(ops.cast(values, matrix.dtype), (directions, strips * positions, features))
    result = ops.reshape(ops.matmul(flat, matrix), (directions, strips, positions, matrix.shape[-1]))
    return ops.cast(result, dtype)
