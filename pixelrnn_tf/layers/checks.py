"""Checks that layers and models share, with errors that say what was given and what was expected."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras

from pixelrnn_tf.typing import Shape, Tensor


class _Conditioned(Protocol):
    """What has a condition or none; every layer here."""

    condition_features: int
    name: str


def check_map_shape(layer: _Conditioned, shape: Shape, features: int | None = None) -> int:
    """Check that `shape` is that of a map `(batch, height, width, features)` and return its features.

    Raises:
        ValueError: if it has another rank, an unknown number of features, or other than `features`.
    """
    if len(shape) != 4 or shape[-1] is None or features not in (None, shape[-1]):
        expected = "features, a number known in advance" if features is None else f"{features} features"
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} takes a map (batch, height, width, {expected}); "
            f"got the shape {tuple(shape)}."
        )
    return shape[-1]


def check_condition(layer: _Conditioned, condition: Tensor | None) -> None:
    """Check that a condition is given exactly to a layer made for one.

    Raises:
        ValueError: if one is missing, or given to a layer made for none.
    """
    if bool(layer.condition_features) != (condition is not None):
        given = "none was given" if condition is None else f"one of shape {tuple(condition.shape)} was given"
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} was made with condition_features={layer.condition_features}, "
            f"and {given}. Pass a conditioning map exactly when condition_features is not 0."
        )


def checked_bool(name: str, value: Any) -> bool:
    """A bool of Python from one, or from numpy's.

    Raises:
        ValueError: if it is something else: "no" would be taken as true.
    """
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {value!r} ({type(value).__name__}).")


def check_stored_weights(layer: _Conditioned, store: Mapping[str, Any]) -> None:
    """Check that the weights of a layer in a file are floating-point numbers.

    Raises:
        ValueError: if not.
    """
    for key in list(store.keys()):  # A file of Keras has keys, and no iterator.
        dtype = keras.backend.standardize_dtype(store[key].dtype)
        if not keras.backend.is_float_dtype(dtype):
            raise ValueError(
                f"The weights of {type(layer).__name__} {layer.name!r} are stored as {dtype}; they are floating-point "
                "numbers. The file is damaged, or was made by something else: save the model again."
            )
