"""Conditioners: layers that turn a condition into a conditioning map (paper section 3.6).

Only the conditioner interprets a condition. Blocks add a projection of its map. The sampler, the distribution, the
trainer and the export only ask for the shape, the dtype and the range of a condition.
"""

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.integers import checked_integer, within_int32
from pixelrnn_tf.layers.checks import check_stored_weights
from pixelrnn_tf.typing import Config, DType, ImageShape, Shape, Tensor, TensorLike

# Larger floats are rejected: a network might overflow, and a ReLU would hide the resulting NaN.
LARGEST = 1e6


class ConditionFormat(NamedTuple):
    """Shape, dtype and range of the condition of one image.

    Attributes:
        shape: without the batch axis; () for a scalar.
        dtype: "int32" or "float32".
        below: integers are in `[0, below)`; None for floats.
        low: smallest valid float, one for all numbers or one per element of the last axis.
        high: largest valid float, likewise.
    """

    shape: tuple[int, ...]
    dtype: str
    below: int | None = None
    low: float | tuple[float, ...] = -LARGEST
    high: float | tuple[float, ...] = LARGEST

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest valid numbers, which broadcast to the condition: float32, or int32 for integers."""
        low, high = (self.low, self.high) if self.below is None else (0, self.below - 1)
        return np.asarray(low, self.dtype), np.asarray(high, self.dtype)

    def meaning(self) -> str:
        """Description of valid values, such as "integers from 0 to 9"."""
        low, high = (bound.tolist() for bound in self.bounds)
        return f"{'numbers' if self.below is None else 'integers'} from {_shown(low)} to {_shown(high)}"

    def examples(self, batch: int, rng: np.random.Generator) -> np.ndarray:
        """Draw random valid values, `(batch, ...)`: standard normal if floats have no declared range."""
        shape, (low, high) = (batch, *self.shape), self.bounds
        if self.below is not None:
            return rng.integers(0, self.below, shape).astype(self.dtype)
        wide = np.all((low == -LARGEST) & (high == LARGEST))
        return (rng.normal(size=shape) if wide else rng.uniform(low, high, shape)).astype(self.dtype)

    def convert(self, condition: TensorLike) -> Tensor:
        """Convert a condition to a tensor: floats keep their dtype, integers become int32.

        Integers that are out of range stay out of range.

        Raises:
            ValueError: outside a graph, for another kind of number or for values out of range.
        """
        known, (low, high) = concrete_value(condition), self.bounds
        condition = ops.convert_to_tensor(condition if self.below is None else within_int32(condition, self.below))
        dtype = keras.backend.standardize_dtype(condition.dtype)
        if self.below is not None and not keras.backend.is_int_dtype(dtype):
            if known is not None:
                raise ValueError(f"condition must hold {self.meaning()}; got {dtype}.")
            # Keras traces models with floats when it saves them. Non-integers count as out of range.
            whole = ops.cast(condition, "int32")
            return ops.where(ops.equal(ops.cast(whole, dtype), condition), whole, -1)
        if known is not None and (np.ndim(low) == 0 or known.shape[-1:] == np.shape(low)):  # Callers check the shape.
            # In the precision in which graphs compare: 0.1 in float64 is below 0.1 in float32.
            compared = known.astype("float32") if self.below is None else known
            if not np.all(inside := (compared >= low) & (compared <= high)):
                raise ValueError(f"condition must hold {self.meaning()}; got {known[~inside][0]}.")
        if self.below is None:
            return condition if keras.backend.is_float_dtype(dtype) else ops.cast(condition, self.dtype)
        if dtype in ("int64", "uint64"):
            condition = ops.clip(ops.cast(condition, "int64"), -1, self.below)  # The cast below would drop high bits.
        return ops.cast(condition, self.dtype)

    def is_valid(self, condition: Tensor) -> Tensor:
        """Return, for each condition, if it is in range: bool `(batch,)`."""
        low, high = self.bounds
        values = ops.cast(condition, "float32") if self.below is None else condition  # float16 overflows below 1e6.
        inside = ops.logical_and(values >= low, values <= high)
        return ops.all(ops.reshape(inside, (ops.shape(condition)[0], math.prod(self.shape))), axis=1)


def _shown(bound: float | list[float]) -> str:
    numbers = ", ".join(f"{number:g}" for number in np.atleast_1d(bound))
    return f"({numbers})" if np.size(bound) > 1 else numbers


class Conditioner(keras.layers.Layer, abc.ABC):
    """Base class of layers that make the conditioning map from a condition.

    Every block adds a projection of the map to its own map. To write a conditioner, subclass this, register the class
    with `keras.saving.register_keras_serializable`, and define `condition_format`, `map_of`, and `count_weights` if it
    has weights.

    Args:
        features: number of features of the map.
        name: of the layer.

    Call arguments:
        condition: tensor with the shape and dtype of `condition_format`, batch first.

    Output shape:
        `(batch, height, width, features)` with an image's height and width, or `(batch, 1, 1, features)` for a map that
        is the same at every pixel, which adds no cost per pixel.

    Attributes:
        num_classes: number of classes if a condition is a class label; None otherwise.
        class_names: names of the classes, in the order of their labels; None if they have no names.
    """

    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None

    def __init__(self, features: int, name: str = "conditioner", **kwargs: Any):
        # Keras would round the condition to the compute dtype before the layer could scale it.
        super().__init__(name=name, **{"autocast": False, **kwargs})
        self.features = checked_integer("features", features, 1)

    @abc.abstractmethod
    def condition_format(self, image_shape: ImageShape) -> ConditionFormat:
        """Format of the condition for images of shape `(height, width, channels)`.

        Raises:
            ValueError: if the conditioner does not fit such images.
        """

    @abc.abstractmethod
    def map_of(self, condition: Tensor, dtype: DType) -> Tensor:
        """Compute the map of a valid condition in `dtype`, whatever the layer's dtype policy.

        The map of values out of range is undefined: callers check `ConditionFormat.is_valid`.
        """

    def count_weights(self) -> int:
        """Number of weights, computed without creating them."""
        return 0

    def call(self, condition: Tensor) -> Tensor:
        return self.map_of(condition, self.compute_dtype)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        check_stored_weights(self, store)
        super().load_own_variables(store)

    def get_config(self) -> Config:
        return {**super().get_config(), "features": self.features}

    def __repr__(self) -> str:
        left_out = ("name", "trainable", "dtype", "class_names")
        arguments = [f"{k}={v!r}" for k, v in self.get_config().items() if k not in left_out]
        return f"{type(self).__name__}({', '.join(arguments)})"


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class GivenMap(Conditioner):
    """Pass-through conditioner for a map that you provide. `condition_features=F` is short for `GivenMap(F)`.

    Args:
        features: number of features of the map.

    Call arguments:
        condition: float map `(batch, height, width, features)`.
    """

    def condition_format(self, image_shape: ImageShape) -> ConditionFormat:
        return ConditionFormat((*image_shape[:2], self.features), "float32")

    def build(self, condition_shape: Shape) -> None:
        """Do nothing: there are no weights. Keras infers shapes from the name of this argument."""

    def map_of(self, condition: Tensor, dtype: DType) -> Tensor:
        return ops.cast(condition, dtype)

    def compute_output_shape(self, condition_shape: Shape) -> Shape:
        return tuple(condition_shape)


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class LabelEmbedding(Conditioner):
    """Conditioner of class-conditional models: a learned vector per class, the same at every pixel.

    Args:
        num_classes: number of classes.
        features: number of features of the vectors.
        class_names: one name per class, in the order of the labels. They are saved with the model, so data, programs
            and servers share them. None for no names.

    Raises:
        ValueError: if `class_names` does not hold `num_classes` distinct names.

    Call arguments:
        condition: labels, integers `(batch,)` in `[0, num_classes)`.

    Output shape:
        `(batch, 1, 1, features)`.

    Example:

    >>> embedding = LabelEmbedding(num_classes=10, features=16)
    >>> embedding(np.array([3, 1, 4])).shape
    TensorShape([3, 1, 1, 16])
    """

    def __init__(self, num_classes: int, features: int, class_names: Sequence[str] | None = None, **kwargs: Any):
        super().__init__(features, **kwargs)
        self.num_classes: int = checked_integer("num_classes", num_classes, 1)
        self.class_names = None if class_names is None else _checked_names(class_names, self.num_classes)

    def build(self, condition_shape: Shape) -> None:
        # Same scale as the activations of the maps it is added to.
        initializer = keras.initializers.RandomNormal(stddev=1.0)
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.num_classes, self.features), initializer=initializer
        )

    def condition_format(self, image_shape: ImageShape) -> ConditionFormat:
        return ConditionFormat((), "int32", self.num_classes)

    def map_of(self, condition: Tensor, dtype: DType) -> Tensor:
        # A matrix product: its gradient is dense, and a label out of range cannot read other memory.
        rows = ops.cast(ops.equal(condition[:, None], ops.arange(self.num_classes, dtype="int32")), dtype)
        return ops.matmul(rows, ops.cast(self.embeddings, dtype))[:, None, None, :]

    def call(self, condition: Tensor) -> Tensor:
        return super().call(self.condition_format((1, 1, 1)).convert(condition))

    def count_weights(self) -> int:
        return self.num_classes * self.features

    def compute_output_shape(self, condition_shape: Shape) -> Shape:
        return (condition_shape[0], 1, 1, self.features)

    def get_config(self) -> Config:
        names = None if self.class_names is None else list(self.class_names)
        return {**super().get_config(), "num_classes": self.num_classes, "class_names": names}


def _checked_names(names: Sequence[str], number: int) -> tuple[str, ...]:
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"class_names must be a list of non-empty strings, got {names!r}.")
    if len(names) != number or len(set(names)) != number:
        raise ValueError(
            f"class_names must have {number} distinct names, one per class; got {len(names)}: {', '.join(names)}."
        )
    return tuple(names)


def conditioner_of(conditioner: Any, condition_features: int, dtype: DType | None) -> Conditioner | None:
    """Make the conditioner that a model's arguments describe: unbuilt, owned by the model, in its dtype policy.

    Args:
        conditioner: a conditioner, its configuration as returned by `serialized`, or None.
        condition_features: features of a map that the caller provides; 0 for none. With a conditioner: 0 or its
            features.
        dtype: dtype policy of the model; None to keep the conditioner's own.

    Raises:
        ValueError: if the two disagree.
        TypeError: if `conditioner` has another type.
    """
    features = checked_integer("condition_features", condition_features, 0)
    if conditioner is None:
        return GivenMap(features, dtype=dtype) if features else None
    made = conditioner
    if isinstance(conditioner, dict):  # It is built later, after its size has been checked.
        unbuilt = {key: value for key, value in conditioner.items() if key != "build_config"}
        made = keras.saving.deserialize_keras_object(unbuilt)
    if not isinstance(made, Conditioner):
        raise TypeError(
            "conditioner must be a layer that is a pixelrnn_tf.layers.Conditioner, such as "
            f"LabelEmbedding(num_classes, features); got a {type(made).__name__}."
        )
    if features not in (0, made.features):
        raise ValueError(
            f"condition_features={features} and a conditioner of {made.features} features disagree: leave out "
            "condition_features."
        )
    if not made.built and (dtype is None or made.dtype_policy.name == getattr(dtype, "name", dtype)):
        return made  # No other model uses it yet. Copying it would load TensorFlow on JAX.
    return type(made).from_config({**made.get_config(), "dtype": dtype})


def serialized(conditioner: Conditioner | None) -> Config | None:
    """Configuration of a conditioner, without the dtype and the build config, which follow the model's.

    None for no conditioner, and for `GivenMap`, which `condition_features` already describes.
    """
    if conditioner is None or type(conditioner) is GivenMap:
        return None
    config = keras.saving.serialize_keras_object(conditioner)
    config.pop("build_config", None)
    config["config"].pop("dtype", None)
    return config
