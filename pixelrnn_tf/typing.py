"""The names that signatures use for tensors and what describes them.

Keras has no type that covers its symbolic tensors, its variables and the arrays of every backend, so `Tensor` and
`TensorLike` are `Any` to a type checker; what they tell is for readers.
"""

from typing import Any, TypeAlias

# A tensor of the Keras backend, or a symbolic one; docstrings give its shape and dtype.
Tensor: TypeAlias = Any
# What becomes a tensor: one, a variable, a numpy array, a number, or nested lists of numbers.
TensorLike: TypeAlias = Any
# Any nesting of tuples, lists and dictionaries of tensors.
Structure: TypeAlias = Any
# The sizes of a tensor; None where they are not known in advance.
Shape: TypeAlias = tuple[int | None, ...]
# (height, width, channels).
ImageShape: TypeAlias = tuple[int, int, int]
# A Keras dtype, dtype policy, or the name of one.
DType: TypeAlias = Any
# What `get_config` returns: values that JSON can hold.
Config: TypeAlias = dict[str, Any]
