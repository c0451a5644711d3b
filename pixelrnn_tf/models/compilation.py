"""Runs what is computed of a model as one compiled function, which every number of images and every caller shares.

Called eagerly, a loop over pixels costs more in Python than in arithmetic, and TensorFlow traces its body each time.
So it runs as a graph, which is traced once for a model and kept as long as the model lives. The weights are arguments
of the graph: it always computes with those of the moment, and holds none of them.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import keras

from pixelrnn_tf.backend import compile_with_dynamic_batch, is_called_as_it_is
from pixelrnn_tf.typing import Structure, Tensor

# What was compiled for a model, by what it computes and the kinds of its tensors. It goes when the model goes.
_COMPILED: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, Callable[..., Structure]]] = (
    weakref.WeakKeyDictionary()
)


def run_compiled(
    function: Callable[..., Structure], model: keras.Model, tensors: dict[str, Tensor | None], **options: Hashable
) -> Structure:
    """`function(model, **tensors, **options)`, compiled unless a graph is being made anyway.

    On TensorFlow one graph serves every batch size, on JAX there is one for each, as always there. Of the model only
    new values of its weights are noticed afterwards.

    Args:
        function: of a module, so that it is the same at every call; it computes with tensors alone.
        model: the network.
        tensors: its arguments by name, or None for what is not given; the size of the first axis of each is left open.
        **options: its other arguments, which change what is computed.

    Returns:
        what the function does: tensors `(batch, ...)`.
    """
    given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    if is_called_as_it_is():
        return function(model, **given, **options)
    if any(x.shape[0] == 0 for x in given.values()):
        # Graphs lose what mends the shape of a convolution without images: run one of zeros, and return none.
        one = {name: keras.ops.zeros((1, *x.shape[1:]), x.dtype) for name, x in given.items()}
        return keras.tree.map_structure(lambda y: y[:0], run_compiled(function, model, one, **options))
    of_model = _COMPILED.setdefault(model, {})
    key = function, *sorted(options.items()), *((name, x.dtype, tuple(x.shape[1:])) for name, x in given.items())
    if key not in of_model:
        of_model[key] = compile_with_dynamic_batch(_of_weights(function, model, options), model.weights, given)
    # Read as tensors, so that a gradient tape sees that the variables are used.
    return of_model[key]([keras.ops.convert_to_tensor(weight.value) for weight in model.weights], given)


def _of_weights(
    function: Callable[..., Structure], model: keras.Model, options: dict[str, Hashable]
) -> Callable[[list[Tensor], dict[str, Tensor]], Structure]:
    """The function of the values of the weights and of its tensors; it does not keep the model alive."""
    reference = weakref.ref(model)

    def run(weights: list[Tensor], tensors: dict[str, Tensor]) -> Structure:
        model: Any = reference()
        with keras.StatelessScope(state_mapping=zip(model.weights, weights, strict=True)):
            return function(model, **tensors, **options)

    return run
