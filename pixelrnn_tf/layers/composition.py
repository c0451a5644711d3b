"""Composition of layers into networks, written once for full maps and for single pixels.

A composite (a block, the head, the model) defines in `compose` how its parts are combined. Training applies every part
to full maps. Generation applies it to one pixel at a time, with a cache of what it needs from earlier pixels.
"""

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, TypeAlias, Union

import keras

from pixelrnn_tf.layers.checks import check_condition
from pixelrnn_tf.layers.incremental import IncrementalLayer, check_defined_together
from pixelrnn_tf.typing import Shape, Tensor

Part: TypeAlias = Union[IncrementalLayer, "CompositeLayer"]
# Applies a part to its inputs: full maps, or the features at one pixel.
Apply: TypeAlias = Callable[[Part, Tensor], Tensor]


class Composite(abc.ABC):
    """Combination of parts and of functions that act on one position at a time.

    Full maps and single pixels both run through `compose`. A subclass that overrides `call` or one of
    `parallel_members` must therefore define `compose` too. If the parent's definition still applies, write
    `compose = Parent.compose`.

    Attributes:
        condition_features: features of the conditioning map passed to the parts that take one; 0 for none.
        parallel_members: names of the methods, besides `call`, that only the pass over full maps uses.

    Raises:
        TypeError: when such a subclass is defined without `compose`.
    """

    condition_features: int = 0
    parallel_members: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        check_defined_together(cls, cls.parallel_members, "compose")

    @property
    @abc.abstractmethod
    def parts(self) -> list[Part]:
        """The layers that `compose` applies, in order."""

    @abc.abstractmethod
    def compose(self, x: Tensor, apply: Apply) -> Tensor:
        """Compute the outputs from the inputs.

        Args:
            x: the inputs, full maps `(batch, height, width, features)` or one pixel `(batch, features)`.
            apply: applies a part: `apply(part, x)`. All other operations act on the last axis only.

        Returns:
            The outputs, with the same leading axes.
        """


class CompositeLayer(Composite, keras.layers.Layer):
    """A composite that is a Keras layer: `call` applies `compose` to full maps."""

    def call(self, inputs: Tensor, condition: Tensor | None = None) -> Tensor:
        check_condition(self, condition)
        return self.compose(inputs, on_maps(condition))

    def compute_output_shape(self, inputs_shape: Shape, condition_shape: Shape | None = None) -> Shape:
        return tuple(inputs_shape)


def on_maps(condition: Tensor | None = None) -> Apply:
    """Make an `apply` that calls parts on full maps, with the conditioning map for the parts that take one."""

    def apply(part: Part, x: Tensor) -> Tensor:
        return part(x, condition) if part.condition_features else part(x)

    return apply


def track_each(owner: keras.layers.Layer, layers: Sequence[keras.layers.Layer]) -> None:
    """Make layers in lists visible to TensorFlow's checkpoints, which only track layers that are attributes.

    The attributes are private and come last when Keras writes a file, so the names in the file are those of the lists.
    """
    for layer in layers:
        setattr(owner, f"_{layer.name}", layer)


def elementary_layers(part: Part | Composite) -> Iterator[IncrementalLayer]:
    """Iterate over the elementary layers of a composite, in order.

    Raises:
        TypeError: if one of them cannot run pixel by pixel.
    """
    check_part_class(type(part))
    if isinstance(part, IncrementalLayer):
        yield part
    else:
        for inner in part.parts:
            yield from elementary_layers(inner)


def check_part_class(cls: type) -> None:
    """Check that a class can be a part of a network, that is, run pixel by pixel.

    Raises:
        TypeError: if it cannot.
    """
    if not issubclass(cls, IncrementalLayer | Composite):
        raise TypeError(
            f"{cls.__name__} cannot be part of a network: it has no incremental form, so images could be scored but "
            "not generated. Derive it from pixelrnn_tf.layers.incremental.IncrementalLayer, or, if it is made of such "
            "layers, from pixelrnn_tf.layers.composition.CompositeLayer."
        )
