"""The contract of layers that also run row by row and pixel by pixel, which is how images are generated.

A network that is run anew for every sub-pixel computes nearly everything again. Incrementally every layer computes
every position once: what the finished rows contribute is computed once per row, for all columns at a time, what the
pixels on the left and the pixel itself add once per sub-pixel.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
from keras import ops

from pixelrnn_tf.layers.checks import check_stored_weights
from pixelrnn_tf.typing import DType, Tensor

# Tensors by name, what a layer keeps from one call to the next; without entries where it keeps nothing.
Tensors = dict[str, Tensor]


class IncrementalForm(abc.ABC):
    """A layer row by row from the top, and pixel by pixel from the left, with the weights it has when this is made.

    For every row `row_context`, then `initial_state`, then `decode` for every pixel, then `next_cache`. Four things
    pass between these calls, each a dictionary of tensors whose first axis is the batch:

    - cache: what is kept of the finished rows;
    - context: what the cache contributes to the pixels of the current row, `(batch, width, ...)`; `decode` gets that
      of its pixel, `(batch, ...)`;
    - state: what is kept of the pixels on the left, `(batch, ...)`;
    - record: what the next cache needs of a pixel, `(batch, ...)`; `next_cache` gets those of the whole row,
      `(batch, width, ...)`.

    A pixel is decoded once for every colour, each time from the state on its left, with its colours as far as they are
    known; the state and the record of the last time count.

    Args:
        layer: the layer of whole maps.
        dtype: what everything is computed in, "float32" or "float64", whatever the layer's own policy.
    """

    def __init__(self, layer: "IncrementalLayer", dtype: DType):
        self.layer = layer
        self.dtype = keras.backend.standardize_dtype(dtype)

    def cast(self, value: Tensor) -> Tensor:
        """A weight, a map or zeros in the dtype of this form."""
        return ops.cast(value, self.dtype)

    def initial_cache(self, batch: int | Tensor, width: int) -> Tensors:
        """The cache above the first row of maps of this width."""
        return {}

    @abc.abstractmethod
    def prefill(self, maps: Tensor, condition: Tensor | None, row: Tensor) -> tuple[Tensor, Tensors]:
        """One parallel pass, and the cache of the rows before `row`, as if they had been decoded.

        Args:
            maps: inputs `(batch, height, width, features)`.
            condition: conditioning map of the same height and width; None for a layer made for none.
            row: int32 scalar, from 0 to the height.

        Returns:
            `(outputs, cache)`: the outputs at every position.
        """

    def row_context(self, cache: Tensors, condition: Tensor | None) -> Tensors:
        """What the rows above contribute to a row, whose condition is `(batch, width, condition_features)` or None."""
        return {}

    def initial_state(self, batch: int | Tensor) -> Tensors:
        """The state to the left of the first pixel of a row."""
        return {}

    @abc.abstractmethod
    def decode(self, x: Tensor, context: Tensors, state: Tensors) -> tuple[Tensor, Tensors, Tensors]:
        """One pixel.

        Args:
            x: the inputs at the pixel, `(batch, features)`.
            context: at the pixel.
            state: to the left of it.

        Returns:
            `(outputs, state, record)`: the outputs at the pixel, `(batch, ...)`, the state to the left of the next
            pixel, and the record of this one.
        """

    def next_cache(self, cache: Tensors, record: Tensors, condition: Tensor | None) -> Tensors:
        """The cache above the next row, from the one above this row, the records of this row and its condition."""
        return {}

    @classmethod
    def next_caches(
        cls,
        forms: Sequence[Self],
        caches: Sequence[Tensors],
        records: Sequence[Tensors],
        conditions: Sequence[Tensor | None],
    ) -> list[Tensors]:
        """`next_cache` of every layer of this kind in a network; a kind that loops over the row shares one loop."""
        return [
            form.next_cache(cache, record, condition)
            for form, cache, record, condition in zip(forms, caches, records, conditions, strict=True)
        ]


class IncrementalLayer(keras.layers.Layer, abc.ABC):
    """A layer of maps `(batch, height, width, features)` that declares its incremental form.

    Both forms must compute the same. So a subclass that overrides `call` or one of `parallel_members` is refused unless
    it defines `incremental` as well; if the parent's form still holds, by `incremental = Parent.incremental`.

    Attributes:
        condition_features: features of the conditioning map that is the layer's second argument; 0 for none.
        parallel_members: names of the methods and class attributes, besides `call`, that make up the pass over whole
            maps alone.

    Raises:
        TypeError: where such a subclass is defined.
    """

    condition_features: int = 0
    parallel_members: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        check_defined_together(cls, cls.parallel_members, "incremental")

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the weights of a file, as Keras does.

        Raises:
            ValueError: if they are no floating-point numbers. Keras would take integers, which weights were cut to.
        """
        check_stored_weights(self, store)
        super().load_own_variables(store)

    @abc.abstractmethod
    def incremental(self, dtype: DType = "float32") -> IncrementalForm:
        """The same layer row by row and pixel by pixel, from its weights of this moment."""


def check_defined_together(cls: type, parallel_members: tuple[str, ...], incremental: str) -> None:
    """Check that no class overrides `call` or a parallel member below the class that defines the incremental one.

    Raises:
        TypeError: if one does.
    """
    lineage = cls.__mro__
    owner = next(parent for parent in lineage if incremental in vars(parent))
    if getattr(vars(owner)[incremental], "__isabstractmethod__", False):
        return
    below = lineage[: lineage.index(owner)]
    for name in ("call", "__call__", *parallel_members):
        for overriding in (parent for parent in below if name in vars(parent)):
            raise TypeError(
                f"{overriding.__name__} overrides `{name}`, so whole maps run through it, but generation would run "
                f"through `{incremental}` of {owner.__name__}, and images would be drawn from another distribution "
                f"than the one that scores them. Define `{incremental}` in {overriding.__name__} too; if the one of "
                f"{owner.__name__} still holds, by `{incremental} = {owner.__name__}.{incremental}`."
            )


def rows_before(maps: Tensor, row: Tensor, number: int) -> Tensor:
    """The rows `row - number` to `row - 1` of maps: zero where there are none.

    Args:
        maps: `(batch, height, width, features)`.
        row: int32 scalar, from 0 to the height.
        number: how many rows.

    Returns:
        `(batch, number, width, features)`.
    """
    return _rows_of_padded(ops.pad(maps, ((0, 0), (number, 0), (0, 0), (0, 0))), row, number)


def row_before(maps: Tensor, row: Tensor, above: Tensor) -> Tensor:
    """Row `row - 1` of maps, and before row 0 the features `above (features,)`: `(batch, width, features)`."""
    first = ops.broadcast_to(above, ops.shape(maps[:, :1]))
    return _rows_of_padded(ops.concatenate([first, maps], axis=1), row, 1)[:, 0]


def _rows_of_padded(maps: Tensor, row: Tensor, number: int) -> Tensor:
    batch, _, width, features = ops.shape(maps)
    return ops.slice(maps, ops.stack([0, row, 0, 0]), (batch, number, width, features))
