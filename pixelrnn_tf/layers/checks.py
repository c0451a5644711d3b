"""Checks of shapes, conditions, booleans and stored weights, shared by layers and models."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras

from pixelrnn_tf.typing import Shape, Tensor


class _Conditioned(Protocol):
    """Any layer of this package, conditional or not."""

    condition_features: int
    name: str


def check_map_shape(layer: _Conditioned, shape: Shape, features: int | None = None) -> int:
    """Check that `shape` is that of a map `(batch, height, width, features)` and return its features.

    Raises:
        ValueError: for another rank, an unknown number of features, or a number other than `features`.
    """
    if len(shape) != 4 or shape[-1] is None or features not in (None, shape[-1]):
        expected = "features, a static number" if features is None else f"{features} features"
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} takes a map (batch, height, width, {expected}); "
            f"got the shape {tuple(shape)}."
        )
    return shape[-1]


def check_condition(layer: _Conditioned, condition: Tensor | None) -> None:
    """Check that a condition is given if and only if the layer takes one.

    Raises:
        ValueError: if it is missing or unexpected.
    """
    if bool(layer.condition_features) != (condition is not None):
        given = "none was given" if condition is None else f"one of shape {tuple(condition.shape)} was given"
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} has condition_features={layer.condition_features}, but for the "
            f"condition {given}. Pass a conditioning map if and only if condition_features is not 0."
        )


def checked_bool(name: str, value: Any) -> bool:
    """Convert a Python or NumPy bool to a Python bool.

    Raises:
        ValueError: for anything else: "no" would count as true.
    """
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {value!r} ({type(value).__name__}).")


def check_stored_weights(layer: _Conditioned, store: Mapping[str, Any]) -> None:
    """Check that the weights of a layer in a file are floating-point numbers.

    Raises:
        ValueError: if they are not.
    """
    for key in list(store.keys()):  # Keras's store has keys(), but no iterator.
        dtype = keras.backend.standardize_dtype(store[key].dtype)
        if not keras.backend.is_float_dtype(dtype):
            raise ValueError(
                f"The weights of {type(layer).__name__} {layer.name!r} are stored as {dtype} instead of floating-point "
                "numbers. The file is damaged, or from another program: save the model again."
            )
