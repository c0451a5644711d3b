"""Request checks inside the graph, since the server checks neither shapes nor values.

The checks are assertions that run with every request. The graph must not know shapes in advance: assertions on static
dimensions would be removed during tracing.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Ranks are compared by padding shapes to this many axes with an impossible size.
_MAX_RANK, _NO_AXIS = 8, -1


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of a signature and its checks.

    Attributes:
        name: name of the input.
        dtype: dtype of the input.
        shape: shape of one row, without the batch axis.
        valid: function of the tensor that returns a bool, True for valid values; None to accept any.
        meaning: description of valid values, for the error.
    """

    name: str
    dtype: tf.DType
    shape: tuple[int, ...] = ()
    valid: Callable[[tf.Tensor], tf.Tensor] | None = None
    meaning: str = ""

    @property
    def spec(self) -> tf.TensorSpec:
        """Declaration of the input in a SavedModel, where every size is unknown."""
        return tf.TensorSpec((None,) * (1 + len(self.shape)), self.dtype, name=self.name)


def checked(inputs: tuple[Input, ...], tensors: tuple[tf.Tensor, ...], max_batch_size: int) -> list[tf.Tensor]:
    """Check the tensors of a request, and return them with static shapes.

    The checks are, in order: shapes, equal and permitted batch sizes, values. Nothing is computed from a request that
    fails. The limit of the batch size matters since a few bytes can request any number of rows: the server repeats the
    single value of a tensor.

    Args:
        inputs: inputs of the signature.
        tensors: their values.
        max_batch_size: maximum number of rows of a request.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, with the expected and the given values.
    """
    shapes = [assert_shape(item, tensor) for item, tensor in zip(inputs, tensors, strict=True)]
    # A scalar has no batch size; its shape check fails, but an optimized graph may run this first.
    sizes = tf.stack([tf.concat([tf.shape(tensor), [_NO_AXIS]], 0)[0] for tensor in tensors])
    with tf.control_dependencies(shapes):
        sizes = tf.identity(sizes)
    names = ", ".join(item.name for item in inputs)
    one_batch = assert_that(
        tf.reduce_all(sizes == sizes[0]) & (sizes[0] > 0) & (sizes[0] <= max_batch_size),
        f"All inputs must have the same batch size, 1 or more and at most {max_batch_size}; the batch sizes of {names} "
        "are",
        sizes,
    )
    batches = [_fixed(item, tensor, [one_batch]) for item, tensor in zip(inputs, tensors, strict=True)]
    values = [
        assert_that(item.valid(tensor), f"{item.name} must {item.meaning}; {_kind(tensor)}", *_given(tensor))
        for item, tensor in zip(inputs, batches, strict=True)
        if item.valid is not None
    ]
    return [_fixed(item, tensor, values) for item, tensor in zip(inputs, batches, strict=True)]


def finite(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Check that all outputs of a request are finite.

    Weights and inputs are finite, but large ones may overflow.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs.
    """
    checks = [
        assert_that(
            tf.reduce_all(tf.math.is_finite(value)),
            f"{name} is not finite: the inputs, or the weights, are too large for float32",
        )
        for name, value in outputs.items()
        if value.dtype == tf.float32
    ]
    with tf.control_dependencies(checks):
        return {name: tf.identity(value) for name, value in outputs.items()}


def assert_that(condition: tf.Tensor, message: str, *given: Any) -> tf.Operation:
    """Make an operation that fails with the message and the given values (int32 or string) unless a condition holds."""
    return tf.debugging.Assert(condition, [message, *given], summarize=8)


def assert_shape(item: Input, tensor: tf.Tensor) -> tf.Operation:
    """Make an operation that fails unless a tensor is a batch of rows of the input's shape, whatever its rank."""
    missing = [_NO_AXIS] * _MAX_RANK
    given = tf.concat([tf.shape(tensor), missing], 0)[:_MAX_RANK]
    expected = [*item.shape, *missing][: _MAX_RANK - 1]
    shape = ", ".join(map(str, ("batch", *item.shape))) + ("" if item.shape else ",")
    return assert_that(
        (given[0] != _NO_AXIS) & tf.reduce_all(given[1:] == expected),
        f"{item.name} must have the shape ({shape}); the shape given is",
        tf.shape(tensor),
    )


def _fixed(item: Input, tensor: tf.Tensor, after: list[tf.Operation]) -> tf.Tensor:
    """Return the tensor after some operations, with a static shape except for the batch."""
    with tf.control_dependencies(after):
        tensor = tf.identity(tensor)
    tensor.set_shape((None, *item.shape))
    return tensor


def _kind(tensor: tf.Tensor) -> str:
    return "given are" if tensor.dtype == tf.string else "given are values from"


def _given(tensor: tf.Tensor) -> tuple[Any, ...]:
    """Smallest and largest number as strings, or the strings themselves, for an error."""
    if tensor.dtype == tf.string:
        return (tensor,)
    wide = tf.cast(tensor, tf.float32)
    return tf.as_string(tf.reduce_min(wide), shortest=True), "to", tf.as_string(tf.reduce_max(wide), shortest=True)
