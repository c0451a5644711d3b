"""Row-by-row and pixel-by-pixel form of a network, made of the incremental forms of its layers."""

from collections import defaultdict
from collections.abc import Callable

from keras import ops

from pixelrnn_tf.layers.composition import Composite, Part, elementary_layers
from pixelrnn_tf.layers.incremental import IncrementalForm, IncrementalLayer, Tensors
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.typing import DType, Tensor


class IncrementalNetwork:
    """Row-by-row and pixel-by-pixel form of a `PixelRNN`.

    The methods are those of `IncrementalForm`, over all layers: a dictionary of tensors there is a list of dictionaries
    here, one per layer.

    Args:
        model: the network. Its weights are copied here, once.
        dtype: dtype of all computations, "float32" or "float64", whatever the model's dtype policy.

    Raises:
        TypeError: if a layer of the network has no incremental form.
    """

    def __init__(self, model: PixelRNN, dtype: DType = "float32"):
        self.model, self.dtype = model, dtype
        self.layers = list(elementary_layers(model))
        self.forms: list[IncrementalForm] = [layer.incremental(dtype) for layer in self.layers]
        self._index = {id(layer): k for k, layer in enumerate(self.layers)}
        self._by_kind: dict[type[IncrementalForm], list[int]] = defaultdict(list)
        for k, form in enumerate(self.forms):
            self._by_kind[type(form)].append(k)

    def stem_inputs(self, images: Tensor) -> Tensor:
        """Compute what the first convolution reads of images or pixels: the input of `prefill` and `decode`."""
        return self.model.stem_inputs(images, self.dtype)

    def initial_cache(self, batch: int | Tensor) -> list[Tensors]:
        """Caches above the first row."""
        return [form.initial_cache(batch, self.model.image_shape[1]) for form in self.forms]

    def prefill(self, inputs: Tensor, condition: Tensor | None, row: Tensor) -> tuple[Tensor, list[Tensors]]:
        """Run one parallel pass and return the caches above row `row`.

        Args:
            inputs: of images by `stem_inputs`, `(batch, height, width, features)`.
            condition: conditioning map of full images, from `model.condition_map`, or None.
            row: int32 scalar, from 0 to the height.

        Returns:
            `(parameters, caches)`: parameters of the output distribution,
            `(batch, height, width, channels, parameters)`.
        """
        caches: list[Tensors] = [{} for _ in self.forms]

        def run(k: int, maps: Tensor) -> Tensor:
            maps, caches[k] = self.forms[k].prefill(maps, self._for_layer(k, condition), row)
            return maps

        return self._compose(inputs, run), caches

    def row_context(self, caches: list[Tensors], condition: Tensor | None) -> list[Tensors]:
        """Contribution of the rows above to a row, whose condition is `(batch, width, condition_features)` or None.

        A condition that is the same at every pixel is `(batch, 1, condition_features)`.
        """
        contexts = [form.row_context(caches[k], self._for_layer(k, condition)) for k, form in enumerate(self.forms)]
        return [{name: self._at_every_column(value) for name, value in context.items()} for context in contexts]

    def _at_every_column(self, context: Tensor) -> Tensor:
        batch, columns, *features = ops.shape(context)
        width = self.model.image_shape[1]
        return context if columns == width else ops.broadcast_to(context, (batch, width, *features))

    def initial_state(self, batch: int | Tensor) -> list[Tensors]:
        """States to the left of the first pixel of a row."""
        return [form.initial_state(batch) for form in self.forms]

    def decode(
        self, inputs: Tensor, context: list[Tensors], state: list[Tensors]
    ) -> tuple[Tensor, list[Tensors], list[Tensors]]:
        """Compute one pixel, of which only the first colors are known; later colors do not affect the valid parameters.

        Args:
            inputs: of the pixels by `stem_inputs`, `(batch, features)`.
            context: context at the pixel.
            state: state to the left of the pixel.

        Returns:
            `(parameters, state, records)`: parameters of the output distribution, `(batch, channels, parameters)`. Only
            those of the known colors and of the first unknown one are valid.
        """
        next_state, records = list(state), [Tensors() for _ in self.forms]

        def run(k: int, x: Tensor) -> Tensor:
            x, next_state[k], records[k] = self.forms[k].decode(x, context[k], state[k])
            return x

        return self._compose(inputs, run), next_state, records

    def with_last_color(
        self,
        inputs: Tensor,
        context: list[Tensors],
        state: list[Tensors],
        next_state: list[Tensors],
        records: list[Tensors],
    ) -> tuple[list[Tensors], list[Tensors]]:
        """Compute the state and the records after a pixel whose colors are all known, from those of its last `decode`.

        The last color is drawn after the last `decode`. Only the first layer reads it: mask A hides it from all other
        layers at this pixel.
        """
        k = self._index[id(self.model.stem)]
        next_state, records = list(next_state), list(records)
        _, next_state[k], records[k] = self.forms[k].decode(inputs, context[k], state[k])
        return next_state, records

    def next_cache(self, caches: list[Tensors], records: list[Tensors], condition: Tensor | None) -> list[Tensors]:
        """Caches above the next row, from the records and the condition of this one."""
        following: list[Tensors] = [{} for _ in self.forms]
        for kind, indices in self._by_kind.items():
            new = kind.next_caches(
                [self.forms[k] for k in indices],
                [caches[k] for k in indices],
                [records[k] for k in indices],
                [self._for_layer(k, condition) for k in indices],
            )
            for k, cache in zip(indices, new, strict=True):
                following[k] = cache
        return following

    def _compose(self, x: Tensor, run: Callable[[int, Tensor], Tensor]) -> Tensor:
        """Apply the network, with `run` for its layers by index."""

        def apply(part: Part, x: Tensor) -> Tensor:
            return part.compose(x, apply) if isinstance(part, Composite) else run(self._number(part), x)

        return self.model.compose(x, apply)

    def _number(self, layer: IncrementalLayer) -> int:
        """Index of a layer in the network."""
        if id(layer) not in self._index:
            raise TypeError(f"`compose` applies {layer!r}, which is missing from `parts`: add it there.")
        return self._index[id(layer)]

    def _for_layer(self, k: int, condition: Tensor | None) -> Tensor | None:
        return condition if self.layers[k].condition_features else None
