"""Backend-specific functions beyond `keras.ops`: graphs, calls of Python inside graphs, double precision.

Besides the loops in `pixelrnn_tf.layers.scan`, this is the only module of the networks that imports TensorFlow or JAX.
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
    """Compile a function to a graph at its first call, and again for inputs of other shapes.

    Args:
        function: function of arrays and tensors.
        jit_compile: compile with XLA on TensorFlow; JAX always does.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=jit_compile, autograph=False)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def is_called_as_it_is() -> bool:
    """Return True if functions should run without compilation: inside a graph, or on a backend without graphs."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.executing_eagerly()
    return keras.backend.backend() != "jax"


def compile_with_dynamic_batch(
    function: Callable[..., Structure], weights: list[Any], tensors: dict[str, Tensor]
) -> Callable[..., Structure]:
    """Compile a function of weights and tensors to one TensorFlow graph for all sizes of the tensors' first axes.

    On JAX, every size needs its own graph.

    Args:
        function: function of a list of weight values and of tensors by name.
        weights: variables, or tensors of the same shapes and dtypes.
        tensors: example tensors, whose first axis may have any size later.
    """
    if keras.backend.backend() != "tensorflow":
        compiled_function: Callable[..., Structure] = compiled(function)
        return compiled_function
    import tensorflow as tf

    of_weights = [tf.TensorSpec(weight.shape, weight.dtype) for weight in weights]
    open_batch = {name: tf.TensorSpec((None, *x.shape[1:]), x.dtype) for name, x in tensors.items()}
    # Traced here and called directly: TensorFlow warns if functions from the same code are traced repeatedly, as for
    # every model here.
    return tf.function(function, autograph=False).get_concrete_function(of_weights, open_batch)


def on_host(function: HostFunction, values: Tensor) -> Tensor:
    """Call a Python function inside a graph, in the order of the graph's computation.

    Args:
        function: function from an array to an int32 array with the size of its first axis.
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


def with_shape(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give a tensor of a graph the shape `(batch, *shape)` where sizes are unknown. The graph fails on another one."""
    if keras.backend.backend() == "tensorflow" and None in tuple(values.shape)[1:]:
        import tensorflow as tf

        return tf.ensure_shape(values, (None, *shape))
    return values


def cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_cpu() -> bool:
    """Return True if the backend has no other device than the CPU."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "cpu"
    return True


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    """Enable float64 in the backend; JAX disables it by default."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield
