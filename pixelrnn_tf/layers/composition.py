"""How networks are put together from layers, once, whether whole maps or single pixels run through them.

A composite (a block, the head, the model) says in `compose` what it computes in terms of its parts. Training runs every
part over whole maps; generation runs it over one pixel, keeping what the part needs of the pixels before.
"""

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, TypeAlias, Union

import keras

from pixelrnn_tf.layers.checks import check_condition
from pixelrnn_tf.layers.incremental import IncrementalLayer, check_defined_together
from pixelrnn_tf.typing import Shape, Tensor

Part: TypeAlias = Union[IncrementalLayer, "CompositeLayer"]
# Runs a part over its inputs: whole maps, or those at one pixel.
Apply: TypeAlias = Callable[[Part, Tensor], Tensor]


class Composite(abc.ABC):
    """What is computed by parts, and by functions that see one position at a time.

    Whole maps and single pixels both run through `compose`. So a subclass that overrides `call` or one of
    `parallel_members` is refused unless it defines `compose` as well; if the parent's still holds, by
    `compose = Parent.compose`.

    Attributes:
        condition_features: features of the conditioning map that goes to the parts made for one; 0 for none.
        parallel_members: names of the methods, besides `call`, that only whole maps run through.

    Raises:
        TypeError: where such a subclass is defined.
    """

    condition_features: int = 0
    parallel_members: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        check_defined_together(cls, cls.parallel_members, "compose")

    @property
    @abc.abstractmethod
    def parts(self) -> list[Part]:
        """The layers it is made of, in order: everything that `compose` applies."""

    @abc.abstractmethod
    def compose(self, x: Tensor, apply: Apply) -> Tensor:
        """What it computes.

        Args:
            x: the inputs, of whole maps `(batch, height, width, features)` or at one pixel `(batch, features)`.
            apply: runs a part: `apply(part, x)`. Everything else acts on the last axis alone.

        Returns:
            The outputs, with the same leading axes.
        """


class CompositeLayer(Composite, keras.layers.Layer):
    """A composite that is a layer: `call` composes whole maps."""

    def call(self, inputs: Tensor, condition: Tensor | None = None) -> Tensor:
        check_condition(self, condition)
        return self.compose(inputs, on_maps(condition))

    def compute_output_shape(self, inputs_shape: Shape, condition_shape: Shape | None = None) -> Shape:
        return tuple(inputs_shape)


def on_maps(condition: Tensor | None = None) -> Apply:
    """An `apply` that calls parts on whole maps, and gives the conditioning map to those made for one."""

    def apply(part: Part, x: Tensor) -> Tensor:
        return part(x, condition) if part.condition_features else part(x)

    return apply


def track_each(owner: keras.layers.Layer, layers: Sequence[keras.layers.Layer]) -> None:
    """Show the layers of lists to TensorFlow's checkpoints, which see attributes that are layers and no lists.

    The attributes are private and found last when Keras writes a file, so that the names in it are those of the lists.
    """
    for layer in layers:
        setattr(owner, f"_{layer.name}", layer)


def elementary_layers(part: Part | Composite) -> Iterator[IncrementalLayer]:
    """The layers a composite is made of, down to those that are no composites, in order.

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
    """Check that what is of a class can be a part of a network: that it can run pixel by pixel.

    Raises:
        TypeError: if not.
    """
    if not issubclass(cls, IncrementalLayer | Composite):
        raise TypeError(
            f"{cls.__name__} cannot be a part of a network: it has no incremental form, so images could be scored but "
            "not generated. Derive it from pixelrnn_tf.layers.incremental.IncrementalLayer, or, if it is made of such "
            "layers, from pixelrnn_tf.layers.composition.CompositeLayer."
        )
