"""Type aliases for tensors, shapes and configurations.

Keras has no type for its symbolic tensors, its variables and the arrays of all backends. So `Tensor` and `TensorLike`
are `Any` to a type checker and only document signatures.
"""

from typing import Any, TypeAlias

# A tensor of the Keras backend, or a symbolic one; docstrings give its shape and dtype.
Tensor: TypeAlias = Any
# Anything convertible to a tensor: a tensor, a variable, a numpy array, a number, or nested lists of numbers.
TensorLike: TypeAlias = Any
# Any nesting of tuples, lists and dictionaries of tensors.
Structure: TypeAlias = Any
# Sizes of a tensor, None where unknown.
Shape: TypeAlias = tuple[int | None, ...]
# (height, width, channels).
ImageShape: TypeAlias = tuple[int, int, int]
# A Keras dtype or dtype policy, or its name.
DType: TypeAlias = Any
# Result of `get_config`: JSON-serializable values.
Config: TypeAlias = dict[str, Any]
