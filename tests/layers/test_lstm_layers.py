"""The Row LSTM and the Diagonal BiLSTM: numbers by hand, twins pixel by pixel, and the gradient by hand."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.layers import DiagonalBiLSTM, RowLSTM, skew, unskew
from pixelrnn_tf.layers.recurrence import LSTMWeights
from pixelrnn_tf.layers.recurrence_gradient import lstm_outputs
from pixelrnn_tf.layers.row_lstm import ROW_ORDER
from pixelrnn_tf.layers.skewing import diagonal_order, images_per_strip
from tests.support import reference
from tests.support.networks import randomize

LAYERS = {RowLSTM: reference.row_lstm, DiagonalBiLSTM: reference.diagonal_bilstm}


def set_weights(layer, input_to_state, state_to_state, initial_h=0.0, initial_c=0.0):
    """Set every input-to-state weight of one hidden unit, gate by gate, and the rest to constants."""
    layer.build((None, 2, 2, 1))
    layer.input_to_state.kernel.assign(np.broadcast_to(input_to_state, layer.input_to_state.kernel.shape))
    layer.input_to_state.bias.assign(np.zeros(layer.input_to_state.bias.shape))
    layer.state_to_state.assign(np.broadcast_to(state_to_state, layer.state_to_state.shape))
    layer.initial_h.assign(np.full(layer.initial_h.shape, initial_h))
    layer.initial_c.assign(np.full(layer.initial_c.shape, initial_c))
    return layer


# One input feature, one unit, and i-s weights (o, f, i, g) = (1, 2, 3, 4), so that every gate differs.
IMAGE = np.array([[0.1, 0.2], [0.3, 0.4]])[None, :, :, None]


def test_one_row_lstm_step_by_hand():
    layer = set_weights(RowLSTM(1, dtype="float64"), [1.0, 2, 3, 4], 0.5, initial_h=0.2, initial_c=0.7)
    # Pixel (0, 0): i-s sees 0.1 alone; s-s reads zero on the left, h0 in the center and on the right: 0.5 * 0.4.
    # o, f, i = sigmoid(0.3), sigmoid(0.4), sigmoid(0.5); g = tanh(0.6)
    # c = 0.598687660 * 0.7 + 0.622459331 * 0.537049567 = 0.753373; h = 0.574442517 * tanh(c)
    assert np.array(layer(IMAGE))[0, 0, 0, 0] == pytest.approx(0.3660100, abs=1e-7)
    # Pixel (0, 1): i-s sees 0.1 + 0.2; s-s h0 on the left and in the center. Gates 0.5, 0.8, 1.1, tanh(1.4).
    # c = 0.689974481 * 0.7 + 0.750260106 * 0.885351648 = 1.147226; h = 0.622459331 * tanh(c)
    assert np.array(layer(IMAGE))[0, 0, 1, 0] == pytest.approx(0.5084454, abs=1e-7)


def test_one_diagonal_by_hand():
    layer = set_weights(DiagonalBiLSTM(1, dtype="float64"), [1.0, 2, 3, 4, 0, 0, 0, 0], 0.5)
    layer.initial_h.assign([[0.2], [0.0]])
    layer.initial_c.assign([[0.7], [0.0]])
    # The second direction has no input and no state: its h stays zero, and the map is the first direction's.
    # Pixel (0, 0): 0.1 from the map, h0 above and on the left. Gates 0.3, 0.4, 0.5, tanh(0.6), as above.
    out = np.array(layer(IMAGE))[0, ..., 0]
    assert out[0, 0] == pytest.approx(0.3660100, abs=1e-7)
    # Pixel (0, 1): 0.2 from the map; h0 = 0.2 above and 0.3660100 on the left: s-s 0.2830050.
    # c on the left is 0.7533730: c = sigmoid(0.683005) 0.753373 + sigmoid(0.883005) tanh(1.083005)
    assert out[0, 1] == pytest.approx(0.4864850, abs=1e-7)
    # Pixel (1, 0), on the same diagonal: 0.3 from the map; above 0.3660100, on the left h0, c0.
    assert out[1, 0] == pytest.approx(0.5321729, abs=1e-7)


@pytest.mark.parametrize("layer_class", LAYERS)
@pytest.mark.parametrize("size", [(4, 6), (6, 4), (1, 5), (5, 1), (1, 1)])
def test_equals_the_twin_pixel_by_pixel(layer_class, size):
    layer = layer_class(5, dtype="float64")
    layer.build((None, *size, 4))
    randomize(layer)
    maps = np.random.default_rng(1).normal(size=(2, *size, 4))
    weights = [layer.state_to_state.numpy(), layer.initial_h.numpy(), layer.initial_c.numpy()]
    if layer_class is RowLSTM:
        weights = [w[0] for w in weights]
    for image, got in zip(maps, np.array(layer(maps)), strict=True):
        conv = layer.input_to_state
        gates = reference.conv2d(image, conv.kernel.numpy() * conv.mask, conv.bias.numpy())
        np.testing.assert_allclose(got, LAYERS[layer_class](gates, *weights), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_forget_gates_alone_start_at_one(layer_class):
    layer = layer_class(3)
    layer.build((None, 4, 4, 2))
    bias = layer.input_to_state.bias.numpy().reshape(layer.directions, 4, 3)
    assert (bias[:, 1] == 1).all()
    assert (bias[:, [0, 2, 3]] == 0).all()


@pytest.mark.parametrize("compiled", ["eager", "graph", "xla"])
@pytest.mark.parametrize("layer_class", LAYERS)
def test_gradient_by_hand_equals_differences(layer_class, compiled):
    layer = layer_class(3, dtype="float64")
    layer.build((None, 4, 5, 2))
    randomize(layer)
    rng = np.random.default_rng(2)
    maps = tf.constant(rng.normal(size=(2, 4, 5, 2)))
    weights = rng.normal(size=(2, 4, 5, 3))

    def loss_and_gradients():
        with tf.GradientTape() as tape:
            tape.watch(maps)
            loss = tf.reduce_sum(layer(maps) * weights)
        return loss, tape.gradient(loss, [*layer.trainable_variables, maps])

    run = loss_and_gradients
    if compiled != "eager":
        run = tf.function(loss_and_gradients, jit_compile=compiled == "xla")
    _, gradients = run()
    for variable, gradient in zip(layer.trainable_variables, gradients[:-1], strict=True):
        # Along a random direction, so that every entry of the gradient counts.
        direction = rng.normal(size=variable.shape)
        start, eps, losses = variable.numpy(), 1e-6, []
        for sign in (1, -1):
            variable.assign(start + sign * eps * direction)
            losses.append(float(run()[0]))
        variable.assign(start)
        slope = (losses[0] - losses[1]) / (2 * eps)
        assert float(np.sum(gradient * direction)) == pytest.approx(slope, rel=1e-6), variable.name
    direction = rng.normal(size=maps.shape)
    plus, minus = (float(tf.reduce_sum(layer(maps + s * 1e-6 * direction) * weights)) for s in (1, -1))
    assert float(np.sum(gradients[-1] * direction)) == pytest.approx((plus - minus) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("compiled", ["graph", "xla"])
@pytest.mark.parametrize("size", [(12, 4, 5), (1, 4, 5), (9, 9, 2), (6, 1, 7), (8, 16, 1)])
@pytest.mark.parametrize("layer_class", LAYERS)
def test_gradient_by_hand_equals_that_of_the_loop(layer_class, size, compiled):
    batch, height, width = size
    layer = layer_class(3, channels=3)
    layer.build((None, height, width, 4))
    randomize(layer)
    rng = np.random.default_rng(3)
    maps = tf.constant(rng.normal(size=(batch, height, width, 4)), tf.float32)
    weights = tf.constant(rng.normal(size=(batch, height, width, 3)), tf.float32)

    def gradients(recurrence):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            loss = tf.reduce_sum(layer.from_directions(recurrence(layer.input_to_state(maps))) * weights)
        return tape.gradient(loss, [*layer.trainable_variables, maps])

    by_hand = tf.function(lambda: gradients(layer.outputs), jit_compile=compiled == "xla")()
    of_the_loop = tf.function(lambda: gradients(lambda gates: layer.states(gates, "float32")[0]))()
    for got, expected in zip(by_hand, of_the_loop, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * float(tf.reduce_max(abs(expected))))


@pytest.mark.parametrize("layer_class", LAYERS)
def test_second_derivatives_are_right_eager_and_under_xla(layer_class):
    layer = layer_class(3, dtype="float64")
    layer.build((None, 2, 3, 2))
    randomize(layer)
    maps = tf.constant(np.random.default_rng(0).normal(size=(1, 2, 3, 2)))

    def steepness(maps):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            squares = tf.reduce_sum(layer(maps) ** 2)
        return tf.reduce_sum(tape.gradient(squares, maps) ** 2)

    def second_derivative(maps):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            value = steepness(maps)
        return tape.gradient(value, maps)

    direction, eps = np.random.default_rng(1).normal(size=maps.shape), 1e-5
    slope = float(steepness(maps + eps * direction) - steepness(maps - eps * direction)) / (2 * eps)
    for run in (second_derivative, tf.function(second_derivative, jit_compile=True)):
        assert float(np.sum(run(maps) * direction)) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("batch", "height", "images"),
    [(16, 28, 4), (4, 32, 2), (64, 28, 16), (32, 8, 4), (1, 28, 1), (7, 28, 1), (None, 28, 1), (0, 28, 1)],
)
def test_a_strip_holds_as_many_images_as_leave_a_step_64_positions(batch, height, images):
    assert images_per_strip(batch, height) == images


def test_strips_waste_less_than_a_skewed_map():
    # Four strips of four images: 4 * 28 + 27 steps of 4 * 28 positions, where skewed maps take 55 of 16 * 28.
    steps = diagonal_order(16, 28, 28).to_steps(tf.ones((1, 16, 28, 28, 1)))
    assert steps.shape == (139, 1, 4, 28, 1)
    assert float(tf.reduce_sum(steps)) == 16 * 28 * 28
    assert pytest.approx(1.241, abs=1e-3) == 139 * 4 * 28 / (16 * 28 * 28)
    assert diagonal_order(None, 28, 28).to_steps(tf.ones((1, 16, 28, 28, 1))).shape == (55, 1, 16, 28, 1)


def test_steps_are_the_columns_of_images_laid_end_to_end_and_skewed():
    maps = np.random.default_rng(4).normal(size=(2, 16, 9, 5, 3))
    order = diagonal_order(16, 9, 5)
    steps = np.array(order.to_steps(maps))
    assert steps.shape == (2 * 5 + 8, 2, 8, 9, 3)
    assert np.array_equal(order.from_steps(steps), maps)
    for strip in range(8):
        end_to_end = np.concatenate([maps[:, 2 * strip], maps[:, 2 * strip + 1]], axis=2)
        assert np.array_equal(np.moveaxis(steps[:, :, strip], 0, 2), skew(end_to_end))
    for t, r in np.ndindex(order.reset_mask.shape):
        assert order.reset_mask[t, r] == ((t - r) % 5 == 0), "a row restarts where an image begins"


def test_skew_moves_row_r_by_r_and_unskew_moves_it_back():
    maps = np.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    skewed = np.array(skew(maps))
    assert skewed[0, ..., 0].tolist() == [[1, 2, 3, 0], [0, 4, 5, 6]]
    assert np.array_equal(unskew(skewed), maps)


def test_the_state_stays_in_float32_under_mixed_precision():
    # Gates that are 1 (o, f) and 0 (i) keep c as it is. 1 + 2 ** -12 needs more digits than bfloat16 has.
    gates = np.repeat([1e3, 1e3, -1e3, 0.0], 2).astype("float32")
    inputs = tf.cast(np.tile(gates, (1, 1, 5, 3, 1)), "bfloat16")
    start = tf.constant(1 + 2.0**-12, shape=(1, 2))
    h = lstm_outputs(inputs, LSTMWeights(tf.zeros((1, 3, 2, 8), "bfloat16"), start, start), ROW_ORDER)
    assert h.dtype == "float32"
    np.testing.assert_allclose(h, np.tanh(1 + 2.0**-12), rtol=1e-6)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_initial_states_are_float32_under_mixed_precision(layer_class):
    layer = layer_class(3, dtype="mixed_bfloat16")
    assert layer(np.zeros((1, 4, 4, 2), "float32")).dtype == "bfloat16"
    assert layer.initial_h.dtype == layer.initial_c.dtype == "float32"


@pytest.mark.parametrize("layer_class", LAYERS)
def test_errors_name_what_was_given(layer_class):
    with pytest.raises(ValueError, match="a map with static height and width"):
        layer_class(3).build((None, None, 4, 2))
    with pytest.raises(ValueError, match="condition_features=0"):
        layer_class(3)(np.zeros((1, 4, 4, 2)), np.zeros((1, 4, 4, 1)))
    with pytest.raises(ValueError, match="condition_features=2, but for the condition none was given"):
        layer_class(3, condition_features=2)(np.zeros((1, 4, 4, 2)))
    with pytest.raises(ValueError, match="cannot be split into 3 color groups"):
        layer_class(2, channels=3)
