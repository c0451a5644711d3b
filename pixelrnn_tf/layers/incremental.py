"""Interface of layers that also run row by row and pixel by pixel, which is how images are generated.

Running the full network for every sub-pixel would repeat nearly all of its computation. Incrementally, every layer
computes every position once. The contribution of the finished rows is computed once per row, for all columns. The
contribution of the pixels to the left and of the pixel itself is computed once per sub-pixel.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
from keras import ops

from pixelrnn_tf.layers.checks import check_stored_weights
from pixelrnn_tf.typing import DType, Tensor

# Tensors by name that a layer keeps from one call to the next; empty if it keeps nothing.
Tensors = dict[str, Tensor]


class IncrementalForm(abc.ABC):
    """Row-by-row and pixel-by-pixel form of a layer, with a copy of the weights that it has now.

    For every row, call `row_context`, then `initial_state`, then `decode` for every pixel, then `next_cache`. Four
    dictionaries of tensors, batch first, pass between these calls:

    - cache: kept from the finished rows;
    - context: contribution of the cache to the pixels of the current row, `(batch, width, ...)`; `decode` gets that of
      its pixel, `(batch, ...)`;
    - state: kept from the pixels to the left, `(batch, ...)`;
    - record: kept from a pixel for the next cache, `(batch, ...)`; `next_cache` gets those of the full row,
      `(batch, width, ...)`.

    A pixel is decoded once per color, each time from the state on its left and with the colors known so far. The state
    and the record of the last call are kept.

    Args:
        layer: the layer for full maps.
        dtype: dtype of all computations, "float32" or "float64", whatever the layer's dtype policy.
    """

    def __init__(self, layer: "IncrementalLayer", dtype: DType):
        self.layer = layer
        self.dtype = keras.backend.standardize_dtype(dtype)

    def cast(self, value: Tensor) -> Tensor:
        """Cast a tensor to the dtype of this form."""
        return ops.cast(value, self.dtype)

    def initial_cache(self, batch: int | Tensor, width: int) -> Tensors:
        """Cache above the first row of maps of this width."""
        return {}

    @abc.abstractmethod
    def prefill(self, maps: Tensor, condition: Tensor | None, row: Tensor) -> tuple[Tensor, Tensors]:
        """Run one parallel pass and return the cache of the rows before `row`, as if they had been decoded.

        Args:
            maps: inputs `(batch, height, width, features)`.
            condition: conditioning map of the same height and width; None if the layer takes none.
            row: int32 scalar, from 0 to the height.

        Returns:
            `(outputs, cache)`: the outputs at every position.
        """

    def row_context(self, cache: Tensors, condition: Tensor | None) -> Tensors:
        """Contribution of the rows above to a row, whose condition is `(batch, width, condition_features)` or None."""
        return {}

    def initial_state(self, batch: int | Tensor) -> Tensors:
        """State to the left of the first pixel of a row."""
        return {}

    @abc.abstractmethod
    def decode(self, x: Tensor, context: Tensors, state: Tensors) -> tuple[Tensor, Tensors, Tensors]:
        """Compute one pixel.

        Args:
            x: the inputs at the pixel, `(batch, features)`.
            context: context at the pixel.
            state: state to the left of the pixel.

        Returns:
            `(outputs, state, record)`: the outputs at the pixel, `(batch, ...)`, the state to the left of the next
            pixel, and the record of this one.
        """

    def next_cache(self, cache: Tensors, record: Tensors, condition: Tensor | None) -> Tensors:
        """Cache above the next row, from the cache above this row, the records of this row and its condition."""
        return {}

    @classmethod
    def next_caches(
        cls,
        forms: Sequence[Self],
        caches: Sequence[Tensors],
        records: Sequence[Tensors],
        conditions: Sequence[Tensor | None],
    ) -> list[Tensors]:
        """Apply `next_cache` to all layers of this class in a network; a class that loops over the row uses one."""
        return [
            form.next_cache(cache, record, condition)
            for form, cache, record, condition in zip(forms, caches, records, conditions, strict=True)
        ]


class IncrementalLayer(keras.layers.Layer, abc.ABC):
    """Base class of layers of maps `(batch, height, width, features)` with an incremental form.

    Both forms must compute the same function. A subclass that overrides `call` or one of `parallel_members` must
    therefore define `incremental` too. If the parent's form still applies, write `incremental = Parent.incremental`.

    Attributes:
        condition_features: features of the conditioning map, which is the layer's second argument; 0 for none.
        parallel_members: names of the methods and class attributes, besides `call`, that only the pass over full maps
            uses.

    Raises:
        TypeError: when such a subclass is defined without `incremental`.
    """

    condition_features: int = 0
    parallel_members: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        check_defined_together(cls, cls.parallel_members, "incremental")

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Load the weights from a file, as Keras does.

        Raises:
            ValueError: if they are not floating-point numbers. Keras would accept integers, into which weights were
                truncated.
        """
        check_stored_weights(self, store)
        super().load_own_variables(store)

    @abc.abstractmethod
    def incremental(self, dtype: DType = "float32") -> IncrementalForm:
        """Make the incremental form, with a copy of the current weights."""


def check_defined_together(cls: type, parallel_members: tuple[str, ...], incremental: str) -> None:
    """Check that a class that overrides `call` or a parallel member defines the incremental form too.

    Raises:
        TypeError: if it does not.
    """
    lineage = cls.__mro__
    owner = next(parent for parent in lineage if incremental in vars(parent))
    if getattr(vars(owner)[incremental], "__isabstractmethod__", False):
        return
    below = lineage[: lineage.index(owner)]
    for name in ("call", "__call__", *parallel_members):
        for overriding in (parent for parent in below if name in vars(parent)):
            raise TypeError(
                f"{overriding.__name__} overrides `{name}`, which only full maps run through. Generation would use "
                f"`{incremental}` of {owner.__name__}, and images would be drawn from another distribution than "
                f"the one that scores them. Define `{incremental}` in {overriding.__name__} too; if the one of "
                f"{owner.__name__} still applies, write `{incremental} = {owner.__name__}.{incremental}`."
            )


def rows_before(maps: Tensor, row: Tensor, number: int) -> Tensor:
    """Select the rows `row - number` to `row - 1` of maps, with zeros above the first row.

    Args:
        maps: `(batch, height, width, features)`.
        row: int32 scalar, from 0 to the height.
        number: number of rows.

    Returns:
        `(batch, number, width, features)`.
    """
    return _rows_of_padded(ops.pad(maps, ((0, 0), (number, 0), (0, 0), (0, 0))), row, number)


def row_before(maps: Tensor, row: Tensor, above: Tensor) -> Tensor:
    """Select row `row - 1` of maps, or the features `above (features,)` for row 0: `(batch, width, features)`."""
    first = ops.broadcast_to(above, ops.shape(maps[:, :1]))
    return _rows_of_padded(ops.concatenate([first, maps], axis=1), row, 1)[:, 0]


def _rows_of_padded(maps: Tensor, row: Tensor, number: int) -> Tensor:
    batch, _, width, features = ops.shape(maps)
    return ops.slice(maps, ops.stack([0, row, 0, 0]), (batch, number, width, features))
