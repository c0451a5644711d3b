"""Keras asks every layer for its shapes by names of its own: in summaries, functional models and symbolic calls."""

import inspect

import keras
import numpy as np
import pytest

from pixelrnn_tf.models import PixelRNN
from tests.support.descriptors import LAYERS, make_inputs
from tests.support.networks import BLOCK_NAMES


def values_of(descriptor):
    """The arguments of one call, one by one."""
    return keras.tree.flatten(make_inputs(descriptor))


every_layer = pytest.mark.parametrize("descriptor", LAYERS, ids=str)


@every_layer
def test_symbolic_calls_give_the_shape_of_real_ones(descriptor):
    layer = descriptor.cls(**descriptor.arguments)
    symbols = [keras.KerasTensor((None, *x.shape[1:]), x.dtype.name) for x in values_of(descriptor)]
    expected = (3, *layer(*make_inputs(descriptor)).shape[1:])
    assert layer.compute_output_spec(*symbols).shape == (None, *expected[1:])
    assert layer.compute_output_shape(*(symbol.shape for symbol in symbols)) == (None, *expected[1:])
    names = [f"{name}_shape" for name in inspect.signature(layer.call).parameters]
    shapes = {name: (3, *shape) for name, shape in zip(names, descriptor.inputs, strict=False)}
    assert layer.compute_output_shape(**shapes) == expected


@every_layer
def test_a_summary_names_the_output_shape(descriptor):
    inputs = [keras.Input(x.shape[1:], dtype=x.dtype.name) for x in values_of(descriptor)]
    model = keras.Model(inputs, descriptor.cls(**descriptor.arguments)(*inputs))
    lines = []
    model.summary(print_fn=lines.append, expand_nested=True)
    assert str(model.output_shape) in "".join(lines)
    assert model.output_shape[1:] == model(make_inputs(descriptor)).shape[1:]


@every_layer
def test_a_clone_computes_the_same_from_the_same_weights(descriptor):
    inputs = [keras.Input(x.shape[1:], dtype=x.dtype.name) for x in values_of(descriptor)]
    model = keras.Model(inputs, descriptor.cls(**descriptor.arguments)(*inputs))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone(make_inputs(descriptor)), model(make_inputs(descriptor)))


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_network_sums_up_its_layers(block):
    model = PixelRNN((6, 5, 3), 4, block, 2, 5, 7)
    lines = []
    model.summary(print_fn=lines.append, expand_nested=True)
    text = "".join(lines)
    assert f"{model.count_params():,}" in text
    for layer in (model.stem, *model.blocks, *model.skip_convs, model.head):
        assert layer.name in text
    assert "(None, 6, 5, 10)" in text
    assert "(None, 6, 5, 3, 4)" in text
