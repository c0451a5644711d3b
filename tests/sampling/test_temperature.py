"""One rule for temperatures: a number within bounds, and never a level that stands for nothing."""

import jax
import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.sampling import MAX_TEMPERATURE, MIN_TEMPERATURE, check_temperature, draw_level, generate
from tests.support.networks import make_network, random_images

OUT_OF_BOUNDS = [0, 0.0, -1.0, 1e-39, 1e-31, 1e31, float("inf"), -float("inf"), float("nan")]
AS = {
    "number": float,
    "numpy scalar": np.float64,
    "array": lambda t: np.array([1.0, t]),
    "float32 array": lambda t: np.array([1.0, t], "float32"),
    "list": lambda t: [1.0, t],
    "tuple": lambda t: (1.0, t),
    "tensor": lambda t: tf.constant([1.0, t]),
    "scalar tensor": tf.constant,
    "variable": lambda t: keras.Variable([1.0, t]),
    "list of tensors": lambda t: [tf.constant(1.0), tf.constant(t)],
}


@pytest.mark.parametrize("form", AS)
@pytest.mark.parametrize("temperature", OUT_OF_BOUNDS)
def test_what_is_out_of_bounds_is_refused_in_every_form(form, temperature):
    with pytest.raises(ValueError, match=r"temperature must be greater than 0, from 1e-30 to 1e\+30.*got"):
        check_temperature(AS[form](temperature))


@pytest.mark.parametrize("temperature", ["warm", None, [1.0, "x"], [[1.0], [1.0, 2.0]], 1j, True])
def test_what_is_no_number_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be"):
        check_temperature(temperature)


def test_the_limit_in_float32_is_within_in_float64():
    model = make_network("pixel_cnn", (2, 2, 1))
    images = generate(model, np.zeros((1, 2, 2, 1)), temperature=np.float32(MAX_TEMPERATURE), dtype="float64")
    assert np.array_equal(images, np.zeros((1, 2, 2, 1)))


@pytest.mark.parametrize("form", AS)
@pytest.mark.parametrize("temperature", [MIN_TEMPERATURE * 1.01, 0.5, 1.0, MAX_TEMPERATURE * 0.99])
def test_what_is_within_bounds_passes(form, temperature):
    check_temperature(AS[form](temperature))


def test_integers_half_precision_and_any_shape_pass():
    check_temperature([[1.0, 2.0], [0.5, 1.0]])
    check_temperature([1, np.int64(2), np.float16(0.5)])
    check_temperature(tf.constant([0.5], "bfloat16"))


@pytest.mark.parametrize("temperature", [[1.0, 0.0], (1.0, float("inf")), 1e-39, tf.constant([1.0, 0.0])])
def test_generate_refuses_it(temperature):
    model = make_network("pixel_cnn", (3, 3, 1))
    with pytest.raises(ValueError, match="temperature must be greater than 0"):
        generate(model, np.zeros((2, 3, 3, 1)), temperature=temperature)


def test_generate_takes_one_temperature_or_one_for_each_image():
    model = make_network("pixel_cnn", (3, 3, 1))
    noise = np.random.default_rng(0).uniform(size=(2, 3, 3, 1))
    both = np.array(generate(model, noise, temperature=[0.5, 2.0]))
    for k, temperature in enumerate((0.5, np.float32(2.0))):
        assert np.array_equal(generate(model, noise, temperature=temperature)[k], both[k])
    with pytest.raises(ValueError, match="same batch size; got noise 2, temperature 3"):
        generate(model, noise, temperature=[1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"one per image; got the shape \(1, 2\)"):
        generate(model, noise, temperature=[[1.0, 1.0]])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_a_graph_nothing_is_drawn_at_a_temperature_out_of_bounds(jit_compile):
    model = make_network("pixel_cnn", (3, 4, 3), num_blocks=1)
    run = tf.function(generate, jit_compile=jit_compile)
    noise = np.random.default_rng(0).uniform(size=(7, 3, 4, 3)).astype("float32")
    images, known = random_images(model, 7), np.arange(3)[:, None] < np.full((7, 1, 4), 1)
    temperature = tf.constant([1.0, 0.0, -1.0, np.inf, np.nan, 1e-31, 1.0])
    drawn, log_prob = run(model, noise, temperature=temperature, return_log_prob=True)
    valid = np.array([True, False, False, False, False, False, True])
    assert np.array_equal(drawn[~valid], np.full((5, 3, 4, 3), -1))
    assert np.array_equal(np.isfinite(log_prob), valid)
    assert np.array_equal(drawn[valid], generate(model, noise[valid]))
    completed = run(model, noise, images, known, temperature=temperature).numpy()
    assert np.array_equal(completed[:, 0], images[:, 0])
    assert (completed[~valid, 1:] == -1).all()
    assert (completed[valid] >= 0).all()


def test_temperature_may_be_traced_by_jax():
    traced = []
    jax.jit(lambda temperature: traced.append(check_temperature([1.0, temperature])))(0.0)
    assert traced == [None], "what is not known in advance passes"


def test_no_level_is_drawn_from_no_distribution():
    logits = np.array([[0.0, 1.0], [np.nan, 0.0], [0.0, np.nan], [0.0, 1.0]], "float32")
    assert np.array(draw_level(logits, np.full(4, 0.5, "float32"), [1.0, 1.0, 1.0, 0.0])).tolist() == [1, -1, -1, -1]
