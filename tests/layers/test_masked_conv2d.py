"""The masked convolution: numbers worked out by hand, and a twin that computes every tap."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from pixelrnn_tf.layers import MaskedConv2D
from tests.support import reference
from tests.support.networks import randomize

RAMP = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)


def ones_conv(mask_type):
    layer = MaskedConv2D(1, 3, mask_type)
    layer.build((None, 3, 3, 1))
    layer.kernel.assign(np.ones(layer.kernel.shape))
    return layer


def test_mask_a_sums_the_pixels_before_this_one():
    # 1 2 3     At 5, say: 1 + 2 + 3 above and 4 on the left.
    # 4 5 6
    # 7 8 9
    expected = [[0, 1, 2], [3, 10, 10], [9, 22, 19]]
    assert np.array(ones_conv("A")(RAMP))[0, ..., 0].tolist() == expected


def test_mask_b_adds_the_pixel_itself():
    expected = [[1, 3, 5], [7, 15, 16], [16, 30, 28]]
    assert np.array(ones_conv("B")(RAMP))[0, ..., 0].tolist() == expected


@pytest.mark.parametrize("kernel_size", [1, 3, (1, 3), (3, 1), (5, 7), 7])
@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_equals_the_full_convolution_with_a_masked_kernel(kernel_size, mask_type):
    layer = MaskedConv2D(8, kernel_size, mask_type, channels=3, gates=2, dtype="float64")
    layer.build((None, 5, 6, 4))
    randomize(layer)
    image = np.random.default_rng(0).normal(size=(1, 5, 6, 4))
    expected = reference.conv2d(image[0], layer.kernel.numpy() * layer.mask, layer.bias.numpy())
    np.testing.assert_allclose(np.array(layer(image))[0], expected, rtol=1e-12, atol=1e-12)


def test_the_mask_holds_whatever_the_kernel_becomes():
    layer = ones_conv("A")
    layer.kernel.assign(np.full(layer.kernel.shape, 1e6))
    changed = RAMP.copy()
    changed[0, 2, 2] = -1.0
    assert np.array_equal(layer(RAMP), layer(changed))


def test_the_bias_of_a_gate_starts_where_it_is_told():
    layer = MaskedConv2D(4, 1, "B", bias_initializer=keras.initializers.Constant(2.0))
    assert np.array(layer(np.zeros((1, 1, 1, 1)))).tolist() == [[[[2.0] * 4]]]


def test_errors_name_what_was_given():
    with pytest.raises(ValueError, match="got the shape"):
        MaskedConv2D(1, 3, "A").build((None, 3, 1))
    with pytest.raises(ValueError, match="cannot be split into 3 color groups"):
        MaskedConv2D(2, 3, "A", channels=3)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_activation_bias_and_initializers_are_those_of_any_keras_convolution(jit_compile):
    ones = MaskedConv2D(1, 3, "B", activation="relu", use_bias=False, kernel_initializer="ones")
    assert np.array(ones(-RAMP)).max() == 0
    assert np.array(ones(RAMP))[0, ..., 0].tolist() == [[1, 3, 5], [7, 15, 16], [16, 30, 28]]
    assert [weight.name for weight in ones.weights] == ["kernel"]
    after_relu = MaskedConv2D(1, 3, "B", use_bias=False, kernel_initializer="ones", pre_activation="relu")
    mixed = RAMP * [[[[1], [-1], [1]]]]
    assert np.array_equal(after_relu(mixed), ones(np.maximum(mixed, 0)))
    assert not np.array_equal(after_relu(mixed), ones(mixed))
    twin = MaskedConv2D.from_config(json.loads(json.dumps(after_relu.get_config())))
    assert np.array_equal(twin(mixed), after_relu(mixed))
    with pytest.raises(ValueError, match=r"pre_activation must map 0, which pads the map, to 0.* got 'sigmoid'"):
        MaskedConv2D(1, 3, "B", pre_activation="sigmoid")
    squashed = MaskedConv2D(1, 1, "B", kernel_initializer="zeros", bias_initializer="ones", activation=keras.ops.tanh)
    outputs = tf.function(squashed, jit_compile=jit_compile)(RAMP)
    np.testing.assert_allclose(outputs, np.full(RAMP.shape, np.tanh(1.0)), rtol=1e-6)
    plain = MaskedConv2D(1, 1, "B")
    assert plain.activation is keras.activations.linear
    twin = MaskedConv2D.from_config(ones.get_config())
    assert twin.get_config() == ones.get_config()
    assert np.array_equal(twin(RAMP), ones(RAMP))


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 3, (1, 3), (3, 1)])
@pytest.mark.parametrize("condition_features", [0, 2])
def test_pixel_by_pixel_it_computes_the_same(kernel_size, use_bias, condition_features):
    layer = MaskedConv2D(
        4, kernel_size, "B", use_bias=use_bias, activation="tanh", condition_features=condition_features
    )
    layer.build((None, 3, 4, 2))
    randomize(layer)
    rng = np.random.default_rng(0)
    maps, condition = rng.normal(size=(2, 3, 4, 2)).astype("float32"), None
    if condition_features:
        condition = rng.normal(size=(2, 3, 4, 2)).astype("float32")
    form = layer.incremental()
    cache, outputs = form.initial_cache(2, 4), np.zeros((2, 3, 4, 4), "float32")
    for row in range(3):
        here = None if condition is None else condition[:, row]
        context, state, records = form.row_context(cache, here), form.initial_state(2), []
        for column in range(4):
            at_pixel = {name: value[:, column] for name, value in context.items()}
            outputs[:, row, column], state, record = form.decode(maps[:, row, column], at_pixel, state)
            records.append(record)
        record = {name: np.stack([np.array(record[name]) for record in records], axis=1) for name in records[0]}
        cache = form.next_cache(cache, record, here)
    np.testing.assert_allclose(outputs, layer(maps, condition), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("integer", [np.int64, np.int32, np.uint8])
def test_integers_of_any_kind_are_sizes(integer):
    layer = MaskedConv2D(integer(6), integer(3), "A", channels=integer(3), gates=integer(2))
    assert layer(np.zeros((1, 4, 4, 3))).shape == (1, 4, 4, 6)
    assert MaskedConv2D(6, (integer(1), integer(3)), "A").kernel_size == (1, 3)
    json.dumps(layer.get_config())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 2.0}, "filters must be an integer, got 2.0"),
        ({"filters": True}, "filters must be an integer, got True"),
        ({"filters": 0}, "filters must be at least 1, got 0"),
        ({"kernel_size": 3.0}, "kernel_size must be an integer, got 3.0"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size must be one odd number or \(height, width\), got \(3, 3, 3\)"),
        ({"kernel_size": 2}, "kernel_size must be two odd numbers"),
        ({"channels": "1"}, "channels must be an integer, got '1'"),
        ({"use_bias": "no"}, "use_bias must be True or False, got 'no'"),
        ({"condition_features": -1}, "condition_features must be at least 0"),
    ],
)
def test_sizes_that_are_none_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskedConv2D(**{"filters": 2, "kernel_size": 3, "mask_type": "A", **arguments})


def test_the_kernel_and_the_projection_start_from_numbers_of_their_own():
    for initializer in ("glorot_uniform", keras.initializers.RandomNormal()):
        layer = MaskedConv2D(4, 1, "B", condition_features=4, kernel_initializer=initializer)
        layer.build((None, 3, 3, 4))
        assert layer.kernel.shape[2:] == layer.condition_kernel.shape
        assert not np.intersect1d(layer.kernel, layer.condition_kernel).size
        twin = MaskedConv2D.from_config(json.loads(json.dumps(layer.get_config())))
        assert twin.get_config() == layer.get_config()


def test_a_seed_gives_the_weights_that_it_gave_to_earlier_versions():
    keras.utils.set_random_seed(0)
    layers = [MaskedConv2D(2, 1, "B") for _ in range(2)]
    for layer in layers:
        layer.build((None, 2, 2, 1))
    keras.utils.set_random_seed(0)
    for layer in layers:
        assert np.array_equal(layer.kernel, keras.initializers.GlorotUniform()((1, 1, 1, 2)))


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("size", [(1, 3), (3, 5), (4, 3)])
def test_a_vector_for_the_whole_image_has_the_gradients_of_a_map_of_it(size, use_bias):
    layer = MaskedConv2D(4, 3, "B", condition_features=2, use_bias=use_bias, bias_initializer="normal")
    x, vectors, weights = (
        keras.random.normal(shape, seed=k) for k, shape in enumerate([(3, *size, 5), (3, 1, 1, 2), (3, *size, 4)])
    )

    def outputs_and_gradients(condition):
        with tf.GradientTape() as tape:
            tape.watch([x, condition])
            outputs = layer(x, condition)
        return outputs, tape.gradient(outputs, [x, condition, *layer.trainable_variables], weights)

    outputs, (d_x, d_vectors, *d_weights) = outputs_and_gradients(vectors)
    expected, (expected_d_x, d_map, *expected_d_weights) = outputs_and_gradients(ops.tile(vectors, (1, *size, 1)))
    assert len(d_weights) == 2 + use_bias
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(d_x, expected_d_x, atol=1e-6)
    np.testing.assert_allclose(d_vectors, ops.sum(d_map, axis=(1, 2), keepdims=True), atol=1e-5)
    for actual, wanted in zip(d_weights, expected_d_weights, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_gradient_of_a_vector_sums_large_maps_in_half_precision(dtype):
    layer = MaskedConv2D(4, 1, "B", condition_features=2, dtype=dtype)
    x, vectors = ops.zeros((1, 128, 128, 3), dtype), ops.ones((1, 1, 1, 2), dtype)
    with tf.GradientTape() as tape:
        outputs = layer(x, vectors)
    assert np.array(tape.gradient(outputs, layer.bias)).tolist() == [16384.0] * 4
