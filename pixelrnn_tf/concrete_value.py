"""Values that are known before a graph runs."""

from typing import Any

import numpy as np


def concrete_value(values: Any) -> np.ndarray | None:
    """Convert numbers or a tensor to an array; None for a tensor of a graph, whose values are unknown.

    Args:
        values: a number, an array, a tensor of any backend, or any other user input. Inputs that are not arrays of
            numbers, such as ragged lists, become an array of text.
    """
    try:
        array = np.asarray(values)
    except NotImplementedError:  # A tensor of a TensorFlow graph, or one in a list.
        return None
    except (TypeError, ValueError, AttributeError) as error:
        # JAX raises its own TypeError, and Keras a ValueError for symbolic tensors.
        is_tensor = hasattr(values, "dtype") or type(error).__name__ == "TracerArrayConversionError"
        return None if is_tensor else np.asarray("")
    # numpy does not treat bfloat16 as a number.
    return array.astype("float32") if array.dtype.name in ("bfloat16", "float16") else array
