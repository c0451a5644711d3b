"""A network one row and one pixel at a time, so that every layer computes every position once.

A network that is run anew for every sub-pixel computes nearly everything again. Here the work of a layer is
split by when it can be done:

- `above`, once per row, for all columns at a time: what the finished rows contribute;
- `step`, once per sub-pixel: what the pixels on the left and the pixel itself add;
- `finish`, once per row: the cache for the rows below.

A layer's `steps()` returns an object with this protocol, in which every map of a row is
`(batch, width, ...)` and everything of a pixel `(batch, ...)`:

    start(batch, width)             the cache above the first row
    fill(maps, condition, row)      the layer's output for whole maps, and its cache above row `row`
    above(cache, condition)         what `step` needs from above, for a whole row
    left(batch)                     what lies left of the first pixel of a row
    step(x, above, left)            the output of a pixel, what lies left of the next, and a record of the pixel
    finish(cache, record, condition)  the cache above the next row, from the records of a whole row

A layer whose `finish` loops over the row also has `finish_together`, for the layers of all blocks in one loop.
Whatever a layer does not need is an empty tuple. Composite layers need nothing of this: they say what they
do in terms of their parts, and the parts are stepped (`pixelrnn_tf.layers.composition`). All of it is
computed in float32 under every dtype policy.
"""

from typing import Any

from keras import ops, tree

from pixelrnn_tf.layers.composition import elementary_layers
from pixelrnn_tf.models import PixelRNN


class NetworkSteps:
    """A `PixelRNN` one row and one pixel at a time; the protocol of the module, over all its layers.

    Args:
        model: the network. Its weights are read here, once.
    """

    def __init__(self, model: PixelRNN):
        self.model = model
        layers = list(elementary_layers(model))
        self.index = {id(layer): k for k, layer in enumerate(layers)}
        self.steps = [layer.steps() for layer in layers]
        # Layers whose `finish` is a loop over the row: the loops of all blocks become one.
        self.together = [k for k, steps in enumerate(self.steps) if hasattr(steps, "finish_together")]

    def start(self, batch: Any) -> list[Any]:
        return [steps.start(batch, self.model.image_shape[1]) for steps in self.steps]

    def fill(self, scaled: Any, condition: Any, row: Any) -> tuple[Any, list[Any]]:
        """Logits of the whole image by one parallel pass, and the caches above row `row`."""
        caches = [()] * len(self.steps)

        def apply(layer, x):
            k = self.index[id(layer)]
            x, caches[k] = self.steps[k].fill(x, self._of(layer, condition), row)
            return x

        return self._run(scaled, apply), caches

    def above(self, caches: list[Any], condition: Any) -> list[Any]:
        return [
            steps.above(cache, self._of(steps.layer, condition))
            for steps, cache in zip(self.steps, caches, strict=True)
        ]

    def left(self, batch: Any) -> list[Any]:
        return [steps.left(batch) for steps in self.steps]

    def step(self, x: Any, above: list[Any], left: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        """Logits `(batch, channels, levels)` of a pixel, and the state after it, as far as its colours are known."""
        left, records = list(left), [()] * len(self.steps)

        def apply(layer, x):
            k = self.index[id(layer)]
            x, left[k], records[k] = self.steps[k].step(x, above[k], left[k])
            return x

        return self._run(x, apply), left, records

    def enter(self, x: Any, above: list[Any], left: list[Any], after: list[Any], records: list[Any]) -> None:
        """Put the whole pixel into the state after it.

        The last colour is drawn after the last `step`. The one layer that reads it is the first, mask A hides it
        from the others at this pixel.
        """
        k = self.index[id(self.model.stem)]
        _, after[k], records[k] = self.steps[k].step(x, above[k], left[k])

    def finish(self, caches: list[Any], records: list[Any], condition: Any) -> list[Any]:
        finished = [
            None if k in self.together else steps.finish(caches[k], records[k], self._of(steps.layer, condition))
            for k, steps in enumerate(self.steps)
        ]
        if self.together:
            group = [[values[k] for k in self.together] for values in (self.steps, caches, records)]
            for k, cache in zip(self.together, group[0][0].finish_together(*group, condition), strict=True):
                finished[k] = cache
        return finished

    def _run(self, x, apply):
        def apply_part(layer, x):
            return layer.compose(x, apply_part) if hasattr(layer, "compose") else apply(layer, x)

        return self.model.compose(x, apply_part)

    @staticmethod
    def _of(layer, condition):
        return condition if getattr(layer, "condition_features", 0) else None


class Packing:
    """Puts all tensors of a structure into one along their last axis, since every slice of a loop has a cost.

    Args:
        example: the structure; the last axis of every tensor in it is static.
    """

    def __init__(self, example: Any):
        self.structure = tree.map_structure(lambda x: None, example)
        self.sizes = [x.shape[-1] for x in tree.flatten(example)]

    @staticmethod
    def pack(structure: Any) -> Any:
        return ops.concatenate(tree.flatten(structure), axis=-1)

    def unpack(self, packed: Any) -> Any:
        ends = [sum(self.sizes[: k + 1]) for k in range(len(self.sizes) - 1)]
        return tree.pack_sequence_as(self.structure, ops.split(packed, ends, axis=-1))
