"""Checks of a request inside the graph: the server itself checks neither shapes nor values.

The checks are assertions that run with every request. Shapes are asserted where the graph knows nothing of
them: a dimension that is known while tracing would let its assertion fold away.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Ranks are compared by filling shapes up to this many axes with a size that no axis has.
_MAX_RANK, _NO_AXIS = 8, -1


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of a signature, and what is asserted of it.

    Attributes:
        name: of the input.
        dtype: of the input.
        shape: of one row, without the batch.
        valid: from the whole tensor to a bool: whether its values are right; None to take any.
        meaning: what right values are, for the error.
    """

    name: str
    dtype: tf.DType
    shape: tuple[int, ...] = ()
    valid: Callable[[tf.Tensor], tf.Tensor] | None = None
    meaning: str = ""

    @property
    def spec(self) -> tf.TensorSpec:
        """The input as a SavedModel declares it: every size is unknown."""
        return tf.TensorSpec((None,) * (1 + len(self.shape)), self.dtype, name=self.name)


def checked(inputs: tuple[Input, ...], tensors: tuple[tf.Tensor, ...], max_batch_size: int) -> list[tf.Tensor]:
    """The tensors of a request, with static shapes, once all of them have proved right.

    Shapes are checked first, then that all have one batch size that is not too large, then values; nothing is computed
    from a request that fails. A few bytes may ask for any number of rows: the server repeats the one value of a tensor.

    Args:
        inputs: of the signature.
        tensors: their values.
        max_batch_size: rows that a request may have.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, with what was expected and what was given.
    """
    shapes = [assert_shape(item, tensor) for item, tensor in zip(inputs, tensors, strict=True)]
    # Of a scalar there is no batch size; its shape has failed, but the graph may be optimised to come here first.
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
        assert_that(item.valid(tensor), f"{item.name} must {item.meaning}; given are values from", *_range(tensor))
        for item, tensor in zip(inputs, batches, strict=True)
        if item.valid is not None
    ]
    return [_fixed(item, tensor, values) for item, tensor in zip(inputs, batches, strict=True)]


def finite(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The outputs of a request, once none of their numbers has proved to be infinite or NaN.

    Weights are finite in every export, and so are inputs; but large ones may overflow on their way.

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
    """An operation that fails with the message and what was given (int32 or string) unless the condition holds."""
    return tf.debugging.Assert(condition, [message, *given], summarize=8)


def assert_shape(item: Input, tensor: tf.Tensor) -> tf.Operation:
    """An operation that fails unless the tensor is a batch of rows of the input's shape, whatever its rank."""
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
    """The tensor after the operations, its shape known but for the batch."""
    with tf.control_dependencies(after):
        tensor = tf.identity(tensor)
    tensor.set_shape((None, *item.shape))
    return tensor


def _range(tensor: tf.Tensor) -> tuple[tf.Tensor, str, tf.Tensor]:
    """The least and the greatest value, as strings, for an error."""
    wide = tf.cast(tensor, tf.float32)
    return tf.as_string(tf.reduce_min(wide), shortest=True), "to", tf.as_string(tf.reduce_max(wide), shortest=True)
