"""Loop over the pixels of a row, for drawing and for decoding."""

from typing import Protocol

from keras import ops

from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.sampling.packing import Packing
from pixelrnn_tf.typing import Tensor


class Choose(Protocol):
    """Choose the level of a sub-pixel: draw it, or decode it from a file."""

    def __call__(self, k: int, logits: Tensor, pixel: Tensors) -> Tensors:
        """Choose a level.

        Args:
            k: index of the color.
            logits: `(batch, levels)`, given all earlier sub-pixels.
            pixel: inputs at the pixel, `(batch, ...)`.

        Returns:
            "levels", int32 `(batch,)`, and any other results to keep for the sub-pixel, `(batch,)`.
        """


class RowOfPixels:
    """Body of the loop over rows, for `scan`: `(caches, given) -> (caches, chosen)`.

    `given` holds the inputs of the row, `(batch, width, ...)`: "condition" for the network, the rest for `choose`.
    `chosen` holds the results of `choose`, `(batch, width, channels)`.

    Args:
        network: the network in its incremental form.
        choose: chooses the sub-pixels one by one in raster order.
        batch: number of images, an int or an int32 scalar.
        condition: the condition of every row, `(batch, 1, condition_features)`, if it is the same everywhere; see
            `conditions_of_rows`.
    """

    def __init__(
        self, network: IncrementalNetwork, choose: Choose, batch: int | Tensor, condition: Tensor | None = None
    ):
        self.network, self.choose, self.batch, self.condition = network, choose, batch, condition

    def __call__(self, caches: list[Tensors], given: Tensors) -> tuple[list[Tensors], Tensors]:
        given = dict(given)
        condition = given.pop("condition", self.condition)
        context = self.network.row_context(caches, condition)
        state = self.network.initial_state(self.batch)
        context_packing, state_packing = Packing(context), Packing(state)
        record_packing = Packing([])  # Replaced when the body of the loop is traced.
        zero = ops.zeros((self.batch,), "int32")  # Created once for all pixels of the row.

        def decide_column(packed: Tensor, column: Tensors) -> tuple[Tensor, Tensors]:
            nonlocal record_packing
            column = dict(column)
            context, state = context_packing.unpack(column.pop("context")), state_packing.unpack(packed)
            chosen, state, records = self._decide_pixel(context, state, column, zero)
            record_packing = Packing(records)
            return state_packing.pack(state), {"records": record_packing.pack(records), **chosen}

        columns = swapped({"context": context_packing.pack(context), **given})
        _, chosen = scan(decide_column, state_packing.pack(state), columns)
        chosen = swapped(chosen)
        records = record_packing.unpack(chosen.pop("records"))
        return self.network.next_cache(caches, records, condition), chosen

    def _decide_pixel(
        self, context: list[Tensors], state: list[Tensors], pixel: Tensors, zero: Tensor
    ) -> tuple[Tensors, list[Tensors], list[Tensors]]:
        """Choose one color after the other, each given the earlier ones; returns `(chosen, state, records)`."""
        network, channels = self.network, self.network.model.image_shape[-1]
        of_colors: list[Tensors] = []
        levels: list[Tensor] = []
        for k in range(channels):
            unknown = [zero] * (channels - k)
            inputs = network.stem_inputs(ops.stack([*levels, *unknown], axis=-1))
            parameters, next_state, records = network.decode(inputs, context, state)
            of_colors.append(self.choose(k, network.model.output_distribution.logits(parameters[:, k]), pixel))
            levels.append(of_colors[k]["levels"])
        chosen = {name: ops.stack([of[name] for of in of_colors], axis=-1) for name in of_colors[0]}
        inputs = network.stem_inputs(chosen["levels"])
        return chosen, *network.with_last_color(inputs, context, state, next_state, records)


def conditions_of_rows(condition_map: Tensor | None) -> tuple[Tensors, Tensor | None]:
    """Inputs of the loop over rows from a conditioning map, and the condition of every row if all are the same.

    Args:
        condition_map: result of `condition_map` of the model; None for none.
    """
    if condition_map is None:
        return {}, None
    return ({}, condition_map[:, 0]) if condition_map.shape[1] == 1 else ({"condition": condition_map}, None)


def swapped(values: Tensors) -> Tensors:
    """Swap the first two axes of every tensor: a loop runs over the first axis, where maps have the batch."""
    return {name: ops.swapaxes(value, 0, 1) for name, value in values.items()}
