"""Compiled functions of a model, shared by all callers and batch sizes.

Called eagerly, a loop over pixels spends more time in Python than in arithmetic, and TensorFlow traces its body every
time. It therefore runs as a graph, which is traced once per model and kept while the model lives. The weights are
arguments of the graph, so it always uses their current values.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import keras

from pixelrnn_tf.backend import compile_with_dynamic_batch, is_called_as_it_is
from pixelrnn_tf.typing import Structure, Tensor

# Compiled functions of each model, by the function, its options and the dtypes and shapes of its tensors.
_COMPILED: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, Callable[..., Structure]]] = (
    weakref.WeakKeyDictionary()
)


def run_compiled(
    function: Callable[..., Structure], model: keras.Model, tensors: dict[str, Tensor | None], **options: Hashable
) -> Structure:
    """Run `function(model, **tensors, **options)`, compiled unless a graph is already being traced.

    On TensorFlow one graph serves every batch size; JAX compiles one per batch size. Later changes to the model other
    than new values of its weights have no effect.

    Args:
        function: a module-level function, so that it is the same object in every call. It only computes with tensors.
        model: the network.
        tensors: tensor arguments by name, or None if not given; their first axis may have any size.
        **options: other arguments, which change the computation.

    Returns:
        the result of the function: tensors `(batch, ...)`.
    """
    given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    if is_called_as_it_is():
        return function(model, **given, **options)
    if any(x.shape[0] == 0 for x in given.values()):
        # Shapes of convolutions of empty batches are wrong in graphs: run one image of zeros and return none.
        one = {name: keras.ops.zeros((1, *x.shape[1:]), x.dtype) for name, x in given.items()}
        return keras.tree.map_structure(lambda y: y[:0], run_compiled(function, model, one, **options))
    of_model = _COMPILED.setdefault(model, {})
    key = function, *sorted(options.items()), *((name, x.dtype, tuple(x.shape[1:])) for name, x in given.items())
    if key not in of_model:
        of_model[key] = compile_with_dynamic_batch(_of_weights(function, model, options), model.weights, given)
    # Convert to tensors, so that a gradient tape records the use of the variables.
    return of_model[key]([keras.ops.convert_to_tensor(weight.value) for weight in model.weights], given)


def _of_weights(
    function: Callable[..., Structure], model: keras.Model, options: dict[str, Hashable]
) -> Callable[[list[Tensor], dict[str, Tensor]], Structure]:
    """Turn `function` into one of weight values and tensors; it does not keep the model alive."""
    reference = weakref.ref(model)

    def run(weights: list[Tensor], tensors: dict[str, Tensor]) -> Structure:
        model: Any = reference()
        with keras.StatelessScope(state_mapping=zip(model.weights, weights, strict=True)):
            return function(model, **tensors, **options)

    return run
