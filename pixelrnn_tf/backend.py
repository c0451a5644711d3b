"""What is asked of a backend of Keras beyond `keras.ops`: graphs, a call of Python within one, double precision.

Beside `pixelrnn_tf.layers.scan`, the loops, this is the one module of the networks that imports TensorFlow or JAX.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from pixelrnn_tf.typing import Structure, Tensor

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


def is_called_as_it_is() -> bool:
    """Whether a function that is called now should not be compiled first: in a graph, or where there are none."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.executing_eagerly()
    return keras.backend.backend() != "jax"


def compile_with_dynamic_batch(
    function: Callable[..., Structure], weights: list[Any], tensors: dict[str, Tensor]
) -> Callable[..., Structure]:
    """A function of weights and of tensors as one graph on TensorFlow, for every size of the tensors' first axes.

    On JAX there is a graph for each size, as always there.

    Args:
        function: of the values of the weights, in a list, and of the tensors, by name.
        weights: variables, or tensors of the same shapes and dtypes.
        tensors: likewise, but for the size of the first axis of each.
    """
    if keras.backend.backend() != "tensorflow":
        compiled_function: Callable[..., Structure] = compiled(function)
        return compiled_function
    import tensorflow as tf

    of_weights = [tf.TensorSpec(weight.shape, weight.dtype) for weight in weights]
    open_batch = {name: tf.TensorSpec((None, *x.shape[1:]), x.dtype) for name, x in tensors.items()}
    # Traced here and called as it is: TensorFlow warns of functions of one piece of code that are traced again and
    # again, as one is that is compiled for every model.
    return tf.function(function, autograph=False).get_concrete_function(of_weights, open_batch)


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


def on_cpu() -> bool:
    """Whether the backend has no other device than the CPU."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "cpu"
    return True


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    """Let the backend compute in float64; JAX does not by default."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield
