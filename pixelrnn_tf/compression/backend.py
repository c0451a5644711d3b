"""What the codec asks of a backend of Keras: graphs, a call of Python in the middle of one, and double precision."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from pixelrnn_tf.typing import Tensor

HostFunction = Callable[[np.ndarray], np.ndarray]


def compiled(function: Callable[..., Any], jit_compile: bool = False) -> Any:
    """`function` as a graph, which is made at its first call, and anew for inputs of other shapes.

    Args:
        function: of arrays and tensors.
        jit_compile: whether XLA compiles it on TensorFlow; on JAX it always does.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=jit_compile, autograph=False)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def on_host(function: HostFunction, values: Tensor) -> Tensor:
    """Call a function of Python in the middle of a graph, always in the order in which the graph computes it.

    Args:
        function: of an array, to an int32 array of the size of its first axis.
        values: tensor `(batch, ...)`.

    Returns:
        int32 `(batch,)`.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        result = tf.numpy_function(function, [values], tf.int32)
        result.set_shape(values.shape[:1])
        return result
    if keras.backend.backend() == "jax":
        import jax
        from jax.experimental import io_callback

        result = jax.ShapeDtypeStruct(values.shape[:1], np.int32)
        return io_callback(lambda array: function(np.asarray(array)), result, values, ordered=True)
    return function(keras.ops.convert_to_numpy(values))


def cores() -> int:
    """The cores of the CPU that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    """Let the backend compute in float64; JAX does not by default."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield
