"""How networks are put together from layers, once, whether whole maps or single pixels run through them.

A composite (a block, the head, the model) has a method `compose(x, apply)` that says what it computes in
terms of its parts, running each with `apply(layer, x)`. Everything else in it works feature by feature.
Training applies every layer to whole maps; generation applies it to one pixel, keeping what the layer needs
of the pixels before.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras

Apply = Callable[[keras.layers.Layer, Any], Any]


def on_maps(condition: Any = None) -> Apply:
    """An `apply` that calls layers on whole maps, and gives the conditioning map to those made for one."""

    def apply(layer: keras.layers.Layer, x: Any) -> Any:
        return layer(x, condition) if getattr(layer, "condition_features", 0) else layer(x)

    return apply


def elementary_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The layers a composite is made of, down to those that are no composites, in order."""
    if not hasattr(layer, "parts"):
        yield layer
        return
    for part in layer.parts:
        yield from elementary_layers(part)
