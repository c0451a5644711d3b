"""Order in which a scan visits the pixels of a map, and the neighbors that a recurrence reads."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from keras import ops

from pixelrnn_tf.layers.features import side_by_side
from pixelrnn_tf.typing import Tensor


class ScanOrder(NamedTuple):
    """Order of the pixels in which the neighbors that a pixel reads are in the previous step.

    A step is `(directions, strips, positions, features)`, which the scan computes at once. It is a row of every image
    for the Row LSTM, and a diagonal of every image for the Diagonal BiLSTM (`pixelrnn_tf.layers.skewing`).

    Attributes:
        to_steps: converts maps `(directions, batch, height, width, features)` to
            `(steps, directions, strips, positions, features)`, with zeros as padding.
        from_steps: inverse of `to_steps`.
        neighbors: offset of each neighbor, `(row, column)`, relative to the pixel.
        position_axis: axis of a map along which the positions of a step lie: 0 for rows, 1 for columns.
        edge_is_initial: read the initial h outside a step, for taps -1 and 1, instead of zero.
        reset_mask: bool `(steps, positions)`: positions at which c and the neighbor of tap 0 are the initial state;
            None if only the first step has them.
    """

    to_steps: Callable[[Tensor], Tensor]
    from_steps: Callable[[Tensor], Tensor]
    neighbors: tuple[tuple[int, int], ...]
    position_axis: int
    edge_is_initial: bool
    reset_mask: np.ndarray | None = None

    @property
    def taps(self) -> tuple[int, ...]:
        """Offset of each neighbor in the previous step, relative to the pixel: -1, 0 or 1."""
        return tuple(neighbor[self.position_axis] for neighbor in self.neighbors)

    def with_reset_mask(self, **steps: Tensor) -> dict[str, Tensor]:
        """Inputs of a scan: the given steps and, if there is one, the reset mask `(steps, positions, 1)`."""
        return steps if self.reset_mask is None else {**steps, "reset_mask": self.reset_mask[:, :, None]}


def reset_state(values: Tensor, initial: Tensor, reset_mask: Tensor | None) -> Tensor:
    """Replace `values` by `initial` where the recurrence restarts.

    Args:
        values: `(..., positions, features)`.
        initial: broadcasts to `values`.
        reset_mask: bool, broadcasts to `values`; None for no reset.
    """
    return values if reset_mask is None else ops.where(reset_mask, initial, values)


def read_neighbors(h: Tensor, initial_h: Tensor, order: ScanOrder, reset_mask: Tensor | None = None) -> Tensor:
    """Concatenate the h of a pixel's neighbors, the input of the state-to-state kernel.

    Args:
        h: h of the previous step, `(..., positions, hidden)`.
        initial_h: broadcasts to h; read outside the step if `edge_is_initial`, and where tap 0 restarts.
        order: defines the neighbors.
        reset_mask: bool, broadcasts to h; None for no reset in this step.

    Returns:
        `(..., positions, len(taps) * hidden)`.
    """
    edge = ops.zeros_like(h[..., :1, :])
    if order.edge_is_initial:
        edge = ops.broadcast_to(initial_h, ops.shape(edge))
    read = {
        -1: lambda: ops.concatenate([edge, h[..., :-1, :]], axis=-2),
        0: lambda: reset_state(h, initial_h, reset_mask),
        1: lambda: ops.concatenate([h[..., 1:, :], edge], axis=-2),
    }
    return side_by_side([read[tap]() for tap in order.taps])
