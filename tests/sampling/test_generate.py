"""Generated images are functions of their noise and distributed as the model says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.data import load
from pixelrnn_tf.distributions import image_noise
from pixelrnn_tf.models import NegativeLogLikelihood, negative_log_likelihood
from pixelrnn_tf.sampling import draw_level, generate
from tests.support.naive import naive_generate
from tests.support.networks import BLOCK_NAMES, all_images, make_network, random_images
from tests.support.noise_intervals import check_intervals

NOISE_OF_SEED_0_1 = [0.08216608, 0.40928006, 0.39318466]


def uniform(model, batch, seed=0):
    return np.random.default_rng(seed).uniform(size=(batch, *model.image_shape)).astype("float32")


@pytest.mark.parametrize("condition_features", [0, 2])
@pytest.mark.parametrize("image_shape", [(5, 6, 1), (4, 3, 3)], ids=["gray", "color"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_every_noise_value_lies_in_the_interval_of_its_level(block, image_shape, condition_features):
    model = make_network(block, image_shape, condition_features=condition_features)
    noise = uniform(model, 7)
    condition = None
    if condition_features:
        condition = np.random.default_rng(1).normal(size=(7, *image_shape[:2], 2)).astype("float32")
    images = generate(model, noise, condition=condition)
    assert images.dtype == "int32"
    assert len(np.unique(images)) == model.levels
    check_intervals(model, images, noise, condition=condition)


@pytest.mark.parametrize("condition_features", [0, 2])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_equals_the_network_run_anew_for_every_sub_pixel(block, condition_features):
    model = make_network(block, (3, 4, 3), condition_features=condition_features)
    images, noise, condition = random_images(model, 6), uniform(model, 6), None
    known = np.random.default_rng(2).random((6, 3, 4)) < 0.5
    if condition_features:
        condition = np.random.default_rng(1).normal(size=(6, 3, 4, 2)).astype("float32")
    rest = {"temperature": 0.7, "condition": condition}
    assert np.array_equal(generate(model, noise, **rest), naive_generate(model, noise, **rest))
    expected = naive_generate(model, noise, images, known, **rest)
    assert np.array_equal(generate(model, noise, images, known, **rest), expected)


@pytest.fixture(scope="module")
def small():
    """A network that several tests share, so that it is traced once."""
    return make_network("pixel_cnn", (3, 4, 1), num_blocks=1)


def known_patterns():
    some = np.random.default_rng(2).random((6, 4, 5)) < 0.5
    rows = np.arange(4)[:, None] * np.ones(5)
    return {
        "anywhere": some,
        "nothing": np.zeros((6, 4, 5), bool),
        "everything": np.ones((6, 4, 5), bool),
        "upper half": np.broadcast_to(rows < 2, (6, 4, 5)),
        "lower half": np.broadcast_to(rows >= 2, (6, 4, 5)),
        "upper row and more": (rows < 1) | some,
        "other rows in other images": rows < np.arange(6)[:, None, None],
    }


@pytest.mark.parametrize(
    ("block", "jit_compile"), [*((block, False) for block in BLOCK_NAMES), ("diagonal_bilstm", True)]
)
def test_known_pixels_are_kept_and_the_rest_is_drawn_given_them(block, jit_compile):
    model = make_network(block, (4, 5, 3))
    images, noise = random_images(model, 6), uniform(model, 6)
    run = tf.function(generate, jit_compile=jit_compile)
    for known in map(tf.constant, known_patterns().values()):
        completed, log_prob = (x.numpy() for x in run(model, noise, images, known, return_log_prob=True))
        known = known.numpy()
        assert (completed[known] == images[known]).all()
        assert known.all() or (completed[~known] != images[~known]).any()
        check_intervals(model, completed, noise, where=~known[..., None])
        np.testing.assert_allclose(log_prob, -negative_log_likelihood(completed, model(completed)), rtol=1e-4)


def test_images_at_unknown_pixels_are_not_read():
    model = make_network("diagonal_bilstm", (4, 5, 3), num_blocks=1)
    images, noise, known = random_images(model, 6), uniform(model, 6), known_patterns()["upper row and more"]
    other = np.where(known[..., None], images, 3 - images)
    assert np.array_equal(generate(model, noise, images, known), generate(model, noise, other, known))


KNOWN_FORMS = {
    "list": lambda known: known.tolist(),
    "tuple": lambda known: tuple(known),
    "0 and 1": lambda known: known.astype("int64"),
    "0 and 255": lambda known: known.astype("uint8") * 255,
    "0.0 and 1.0": lambda known: known.astype("float32"),
    "tensor": tf.constant,
    "tensor of integers": lambda known: tf.constant(known, tf.int32),
    "list of integers": lambda known: known.astype(int).tolist(),
}


@pytest.mark.parametrize("form", KNOWN_FORMS)
def test_known_pixels_are_told_in_many_forms(form, small):
    model = small
    images, noise = random_images(model, 2), uniform(model, 2)
    known = np.random.default_rng(2).random((2, 3, 4)) < 0.5
    expected = np.array(generate(model, noise, images, known))
    assert np.array_equal(generate(model, noise, images, KNOWN_FORMS[form](known)), expected)
    if form == "list":
        given = noise.tolist(), images.tolist(), known.tolist()
        assert np.array_equal(generate(model, *given), expected)
        assert np.array_equal(generate(model, noise, images.astype("float64"), known), expected)


def one_known_pixel(value, elsewhere):
    """Images of 3x4x1 of which one pixel is known, and what marks it."""
    known = np.zeros((2, 3, 4), bool)
    known[1, 2, 3] = True
    return np.where(known[..., None], value, elsewhere).astype("float32"), known


@pytest.mark.parametrize("wrong", [4, -1, 1.5, np.nan, np.inf])
def test_known_pixels_hold_levels_and_others_may_hold_anything(wrong, small):
    noise = uniform(small, 2)
    expected = generate(small, noise, *one_known_pixel(3, elsewhere=0))
    assert np.array_equal(generate(small, noise, *one_known_pixel(3, elsewhere=wrong)), expected)
    with pytest.raises(ValueError, match="must hold integers from 0 to 3"):
        generate(small, noise, *one_known_pixel(wrong, elsewhere=0))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_a_graph_known_pixels_that_hold_no_levels_have_no_log_prob(jit_compile, small):
    model = small
    noise, run = tf.constant(uniform(model, 2)), tf.function(generate, jit_compile=jit_compile)
    expected = np.array(generate(model, noise, *one_known_pixel(3, elsewhere=0)))
    for wrong in (4, -1, 1.5, np.nan):
        images, known = one_known_pixel(wrong, elsewhere=0)
        completed, log_prob = run(model, noise, tf.constant(images), tf.constant(known), return_log_prob=True)
        assert completed[1, 2, 3] == -1
        assert np.array_equal(np.isnan(log_prob), [False, True])
        assert np.array_equal(completed[0], expected[0])


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_log_prob_summed_while_drawing_is_that_of_the_image_at_temperature_one(block):
    model = make_network(block, (5, 6, 3))
    noise = uniform(model, 4)
    images, log_prob = generate(model, noise, temperature=0.5, return_log_prob=True)
    assert np.array_equal(images, generate(model, noise, temperature=0.5))
    np.testing.assert_allclose(log_prob, -negative_log_likelihood(images, model(images)), rtol=1e-4)


def test_trained_weights_pass_the_interval_test():
    model = make_network("diagonal_bilstm", (8, 8, 1), levels=17, hidden=8, scale=0.01)
    model.compile(keras.optimizers.Adam(0.01), loss=NegativeLogLikelihood())
    digits = np.concatenate(list(load("digits").batches("train", 500).as_numpy_iterator()))
    model.fit(digits, digits, batch_size=32, epochs=2, verbose=0)
    noise = uniform(model, 16)
    images = np.array(generate(model, noise))
    check_intervals(model, images, noise)
    assert np.array_equal(images, naive_generate(model, noise))


def test_temperature_of_each_image():
    model = make_network("row_lstm", (4, 5, 1), levels=5, num_blocks=1)
    noise, temperature = uniform(model, 4), np.array([0.3, 1.0, 2.0, 1e-4], "float32")
    images = np.array(generate(model, noise, temperature=temperature))
    for k, t in enumerate(temperature):
        check_intervals(model, images[k : k + 1], noise[k : k + 1], temperature=t)
    logits = np.array(model(images))
    assert (images[3] == logits[3].argmax(-1)).all(), "a temperature near zero draws the likeliest level"


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_same_in_a_graph_and_alone_in_a_batch(jit_compile, small):
    model = small
    noise = uniform(model, 3)
    eager = np.array(generate(model, noise))
    graph = tf.function(lambda noise: generate(model, noise), jit_compile=jit_compile)
    assert np.array_equal(graph(noise), eager)
    assert np.array_equal(generate(model, noise[1:2])[0], eager[1])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float64"])
def test_every_dtype_policy_draws(policy):
    model = make_network("diagonal_bilstm", dtype=policy)
    exact = make_network("diagonal_bilstm")
    exact.set_weights(model.get_weights())
    images, known = random_images(model, 2), np.arange(5)[:, None] < np.full((2, 1, 6), 2)
    for rest in ({}, {"images": images, "known": known}):
        assert np.array_equal(generate(model, uniform(model, 2), **rest), generate(exact, uniform(model, 2), **rest))


@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 3), ((1, 2, 3), 2)])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_frequencies_match_probabilities(block, shape, levels):
    model = make_network(block, shape, levels=levels, scale=0.35)
    outcomes = all_images(shape, levels)
    expected = 20_000 * np.exp(-np.array(negative_log_likelihood(outcomes, model(outcomes)), "float64"))
    drawn = np.array(tf.function(lambda noise: generate(model, noise))(uniform(model, 20_000)))
    index = drawn.reshape(20_000, -1) @ (levels ** np.arange(drawn[0].size)[::-1])
    counts = np.bincount(index, minlength=len(outcomes))
    # Chi-squared, with rare outcomes put together: mean k, variance 2k, so five deviations are k + 5 sqrt(2k).
    rare = expected < 10
    expected = np.append(expected[~rare], expected[rare].sum())
    counts = np.append(counts[~rare], counts[rare].sum())
    statistic = ((counts - expected) ** 2 / np.maximum(expected, 1)).sum()
    freedom = len(expected) - 1
    assert freedom > 20
    assert statistic < freedom + 5 * np.sqrt(2 * freedom)


def test_levels_are_drawn_where_the_noise_lies():
    logits = np.log(np.array([0.25, 0.5, 0.25], "float32"))
    noise = np.array([0.0, 0.2499, 0.2501, 0.7499, 0.7501, 0.9999999], "float32")
    assert np.array(draw_level(np.tile(logits, (6, 1)), noise)).tolist() == [0, 0, 1, 1, 2, 2]


def test_noise_above_a_total_rounded_down_draws_the_last_possible_level():
    logits = np.array([[0.0, 0.0, -1e9, -1e9]], "float32")
    assert np.array(draw_level(logits, np.array([np.nextafter(np.float32(1), np.float32(0))]))).tolist() == [1]


def test_noise_of_an_image_is_a_function_of_its_seed():
    seeds = np.array([[0, 1], [0, 2], [7, 1]], "int32")
    noise = np.array(image_noise(seeds, (2, 3, 1)))
    assert noise.shape == (3, 2, 3, 1)
    assert noise.min() >= 0
    assert noise.max() < 1
    assert np.array_equal(image_noise(seeds[1:2], (2, 3, 1))[0], noise[1])
    assert len(np.unique(noise)) == noise.size
    # Philox, whatever the device: literal values, so that seeds keep their images.
    np.testing.assert_allclose(noise[0, 0, :, 0], NOISE_OF_SEED_0_1, rtol=0, atol=1e-7)


def test_errors_name_what_was_given():
    model = make_network("pixel_cnn")
    with pytest.raises(ValueError, match=r"noise must have the shape \(None, 5, 6, 1\).* got \(2, 5, 6\)"):
        generate(model, np.zeros((2, 5, 6)))
    with pytest.raises(ValueError, match="same batch size; got noise 2, images 3, known 2"):
        generate(model, np.zeros((2, 5, 6, 1)), random_images(model, 3), np.zeros((2, 5, 6)))
    for temperature in (0, -1.0, np.array([1.0, 0.0])):
        with pytest.raises(ValueError, match=r"temperature must be greater than 0, .*got"):
            generate(model, np.zeros((2, 5, 6, 1)), temperature=temperature)
    with pytest.raises(ValueError, match="dtype must be float32 or float64, got float16"):
        generate(model, np.zeros((2, 5, 6, 1)), dtype="float16")
    with pytest.raises(ValueError, match="`images` and `known` together"):
        generate(model, np.zeros((2, 5, 6, 1)), images=random_images(model, 2))
    with pytest.raises(ValueError, match=r"known must have the shape \(None, 5, 6\)"):
        generate(model, np.zeros((2, 5, 6, 1)), random_images(model, 2), np.zeros((2, 5, 6, 1)))


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_the_graph_holds_no_op_that_a_server_lacks(block):
    model = make_network(block)
    spec = (
        tf.TensorSpec((None, 5, 6, 1)),
        tf.TensorSpec((None, 5, 6, 1), tf.uint8),
        tf.TensorSpec((None, 5, 6), tf.bool),
    )
    graph = tf.function(lambda *given: generate(model, *given)).get_concrete_function(*spec).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    ops = {node.op for node in nodes}
    assert {"TensorListGetItem", "MatMul"} <= ops, "the loops were not looked into"
    assert not [op for op in ops if op.startswith(("Xla", "Random", "PyFunc", "EagerPyFunc"))]
    assert len(nodes) < 6000, "the graph must not grow with the image"


@pytest.mark.parametrize("wrong", [1.0, -1e-6, np.nan])
def test_noise_out_of_range_is_refused_and_in_a_graph_draws_nothing(wrong, small):
    model = small
    noise = np.full((3, 3, 4, 1), 0.5)
    noise[1, 1, 2] = wrong
    with pytest.raises(ValueError, match=r"noise must be in \[0, 1\)"):
        generate(model, noise)
    images, log_prob = tf.function(lambda noise: generate(model, noise, return_log_prob=True))(tf.constant(noise))
    assert (images.numpy().reshape(3, -1) == -1).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(log_prob).tolist() == [False, True, False]
    # The largest float64 below 1 is 1 in float32.
    noise[1] = 1 - 1e-12
    assert (np.array(generate(model, noise)) >= 0).all()
