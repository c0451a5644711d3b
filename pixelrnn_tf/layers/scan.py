"""`scan` with the semantics of `jax.lax.scan`, on TensorFlow and JAX; a Python loop on other backends.

This is the only module of `layers`, `models` and `sampling` that imports a backend: on TensorFlow, `keras.ops.scan`
rejects outputs whose structure, shape or dtype differ from the carry's. Other backend-specific functions are in
`pixelrnn_tf.backend`.
"""

from collections.abc import Callable
from typing import TypeAlias

import keras
from keras import ops, tree

from pixelrnn_tf.typing import Structure, Tensor

Body: TypeAlias = Callable[[Structure, Structure], tuple[Structure, Structure]]


def scan(
    f: Body,
    init: Structure,
    xs: Structure = None,
    length: int | None = None,
    reverse: bool = False,
    inline: bool = False,
) -> tuple[Structure, Structure]:
    """Carry a state along axis 0: `carry, y = f(carry, x)` for every slice x of `xs`.

    The loop is one node of the graph on TensorFlow (a `while_loop`) and JAX (`lax.scan`). The size of the graph and its
    compile time do not grow with the length. Gradients work on both.

    Args:
        f: function of `(carry, x)` to `(carry, y)`; the carry keeps its structure, shapes and dtypes.
        init: the first carry, any structure of tensors.
        xs: any structure of tensors with the same size along axis 0, or None.
        length: number of steps; required only if `xs` is None.
        reverse: run from the last slice to the first; the outputs keep the order of `xs`.
        inline: insert f into the loop of a TensorFlow graph instead of calling it as a function. It is then traced
            twice, and XLA can compile the gradient of the loop.

    Returns:
        `(carry, ys)`: the last carry, and the outputs stacked along a new axis 0.

    Raises:
        ValueError: if neither `xs` nor `length` sets the number of steps, or the number is not static.
    """
    if xs is None:
        return scan(lambda carry, _: f(carry, None), init, (), length, reverse, inline)
    if length is None:
        length = next((x.shape[0] for x in tree.flatten(xs)), None)
    if length is None:
        raise ValueError("scan needs `length`, or `xs` with a static size along axis 0.")
    if keras.backend.backend() == "jax":
        import jax

        carry, ys = jax.lax.scan(f, init, xs, length=length, reverse=reverse)
        return carry, ys
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_scan(f, init, xs, length, reverse, inline)
    return _python_scan(f, init, xs, length, reverse)


def scan_from(start: Tensor, f: Body, init: Structure, xs: Structure, ys: Structure) -> tuple[Structure, Structure]:
    """`scan` that begins at slice `start`, a runtime value; it has no gradient.

    Args:
        start: int32 scalar, from 0 to the length.
        f: as in `scan`.
        init: the carry before slice `start`.
        xs: as in `scan`.
        ys: outputs for the slices before `start`; the rest of it is not read.

    Returns:
        `(carry, ys)`, as `scan`.
    """
    length = tree.flatten(xs)[0].shape[0]
    if keras.backend.backend() == "jax":
        import jax

        def body(t: Tensor, state: Structure) -> Structure:
            carry, y = f(state[0], tree.map_structure(lambda x: x[t], xs))
            return carry, tree.map_structure(lambda sink, value: sink.at[t].set(value), state[1], y)

        carry, ys = jax.lax.fori_loop(start, length, body, (init, ys))
        return carry, ys
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_scan(f, init, xs, length, start=start, ys=ys)
    start = int(start)
    carry, rest = _python_scan(f, init, tree.map_structure(lambda x: x[start:], xs), length - start, False)
    return carry, tree.map_structure(lambda before, after: ops.concatenate([before[:start], after]), ys, rest)


def _tensorflow_scan(
    f: Body,
    init: Structure,
    xs: Structure,
    length: int,
    reverse: bool = False,
    inline: bool = False,
    start: int | Tensor = 0,
    ys: Structure = None,
) -> tuple[Structure, Structure]:
    import tensorflow as tf

    def array(x: Tensor) -> tf.TensorArray:
        return tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x)

    init, xs = tree.map_structure(tf.convert_to_tensor, (init, xs))
    sources = tree.map_structure(array, xs)
    # The dtypes and shapes of y are known only after tracing f, so f is traced once here and called in the loop, unless
    # it is inlined. A called function has its own gradient, in which XLA cannot infer the sizes that it needs.
    step = tf.function(f, autograph=False).get_concrete_function(
        tree.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), init),
        tree.map_structure(lambda x: tf.TensorSpec(x.shape[1:], x.dtype), xs),
    )
    inlined = inline and not tf.executing_eagerly()
    body_of_loop = tf.autograph.experimental.do_not_convert(f) if inlined else step
    if ys is None:
        outputs = step.structured_outputs[1]
        sinks = tree.map_structure(lambda y: tf.TensorArray(y.dtype, length, element_shape=y.shape), outputs)
    else:
        sinks = tree.map_structure(array, ys)

    def body(count: Tensor, carry: Structure, sinks: Structure) -> tuple[Tensor, Structure, Structure]:
        t = length - 1 - count if reverse else count
        carry, y = body_of_loop(carry, tree.map_structure(lambda source: source.read(t), sources))
        return count + 1, carry, tree.map_structure(lambda sink, value: sink.write(t, value), sinks, y)

    _, carry, sinks = tf.while_loop(
        lambda count, *_: count < length, body, (start, init, sinks), maximum_iterations=length
    )
    return carry, tree.map_structure(lambda sink: sink.stack(), sinks)


def _python_scan(f: Body, init: Structure, xs: Structure, length: int, reverse: bool) -> tuple[Structure, Structure]:
    carry, ys = init, [None] * length
    for t in reversed(range(length)) if reverse else range(length):
        carry, ys[t] = f(carry, tree.map_structure(lambda x, t=t: x[t], xs))
    return carry, tree.map_structure(lambda *y: ops.stack(y), *ys)
