"""What can be checked at once and what only when a graph runs."""

from typing import Any

import numpy as np


def concrete_value(values: Any) -> np.ndarray | None:
    """Numbers or a tensor as an array; None for a tensor of a graph, whose values are not known before it runs.

    Args:
        values: a number, an array, a tensor of any backend, or anything a user takes for one. What is no array of
            numbers, such as a list of lists of different lengths, becomes one of text.
    """
    try:
        array = np.asarray(values)
    except NotImplementedError:  # A tensor of a TensorFlow graph, or one in a list.
        return None
    except (TypeError, ValueError, AttributeError) as error:
        # JAX says so by a TypeError of its own, Keras of its symbolic tensors by a ValueError.
        is_tensor = hasattr(values, "dtype") or type(error).__name__ == "TracerArrayConversionError"
        return None if is_tensor else np.asarray("")
    # numpy takes bfloat16 for no number.
    return array.astype("float32") if array.dtype.name in ("bfloat16", "float16") else array
