"""How the pixels of maps are put into the steps of a scan, and which neighbours of a pixel a recurrence reads."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from keras import ops

from pixelrnn_tf.layers.features import side_by_side
from pixelrnn_tf.typing import Tensor


class ScanOrder(NamedTuple):
    """An order of the pixels in which the neighbours that a pixel reads lie in the step before its own.

    A step is `(directions, strips, positions, features)`: what the scan computes at once. For the Row LSTM it is a
    row of every image, for the Diagonal BiLSTM a diagonal of each (`pixelrnn_tf.layers.skewing`).

    Attributes:
        to_steps: from maps `(directions, batch, height, width, features)` to
            `(steps, directions, strips, positions, features)`, zero where no pixel falls.
        from_steps: the way back.
        taps: for every neighbour, its position in the step before, less the pixel's own: -1, 0 or 1.
        neighbours: for every tap, the same neighbour's row and column, less the pixel's own.
        edge_is_initial: what the taps -1 and 1 read outside a step: the initial h, or zero.
        restart: bool `(steps, positions)`: where the neighbour of tap 0, and c, are the initial state; None where
            no step but the first has them.
    """

    to_steps: Callable[[Tensor], Tensor]
    from_steps: Callable[[Tensor], Tensor]
    taps: tuple[int, ...]
    neighbours: tuple[tuple[int, int], ...]
    edge_is_initial: bool
    restart: np.ndarray | None = None

    def with_restart(self, **steps: Tensor) -> dict[str, Tensor]:
        """What a scan runs over: the given steps and, if there is one, the restart `(steps, positions, 1)`."""
        return steps if self.restart is None else {**steps, "restart": self.restart[:, :, None]}


def restarted(values: Tensor, initial: Tensor, restart: Tensor | None) -> Tensor:
    """`values`, but `initial` where the recurrence restarts.

    Args:
        values: `(..., positions, features)`.
        initial: broadcasts to it.
        restart: bool, broadcasts to it; None if it restarts nowhere.
    """
    return values if restart is None else ops.where(restart, initial, values)


def read_neighbours(h: Tensor, initial_h: Tensor, order: ScanOrder, restart: Tensor | None = None) -> Tensor:
    """The h of a pixel's neighbours side by side: what the state-to-state kernel multiplies.

    Args:
        h: of the step before, `(..., positions, hidden)`.
        initial_h: broadcasts to h; read outside the step if `edge_is_initial`, and where tap 0 restarts.
        order: says which neighbours.
        restart: bool, broadcasts to h; None if the recurrence does not restart in this step.

    Returns:
        `(..., positions, len(taps) * hidden)`.
    """
    edge = ops.zeros_like(h[..., :1, :])
    if order.edge_is_initial:
        edge = ops.broadcast_to(initial_h, ops.shape(edge))
    read = {
        -1: lambda: ops.concatenate([edge, h[..., :-1, :]], axis=-2),
        0: lambda: restarted(h, initial_h, restart),
        1: lambda: ops.concatenate([h[..., 1:, :], edge], axis=-2),
    }
    return side_by_side([read[tap]() for tap in order.taps])
