"""The Multi-Scale PixelRNN: an exact likelihood in another order of the pixels, drawn in that order."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.layers import Upsampler
from pixelrnn_tf.models import (
    ImageModel,
    MultiScalePixelRNN,
    PixelRNN,
    log_prob_by_scale,
    log_prob_map,
    negative_log_likelihood,
)
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling import draw_level, generate
from tests.support.networks import BLOCK_NAMES, all_images, random_images, randomize
from tests.support.noise_intervals import check_intervals
from tests.support.receptive_field import expected_field, field_by_gradient


def make(block="pixel_cnn", image_shape=(4, 4, 1), scales=(2, 4), levels=3, scale=0.5, **arguments):
    arguments = {"num_blocks": 1, "hidden": 4, "head_hidden": 5, "upsampler_features": 3, **arguments}
    model = MultiScalePixelRNN(image_shape, levels, scales, block, **arguments)
    return randomize(model, scale=scale)


@pytest.mark.parametrize(
    ("image_shape", "scales"),
    [((2, 4, 1), (1, 2)), ((2, 2, 3), (1, 2)), pytest.param((4, 4, 1), (1, 2, 4), marks=pytest.mark.slow)],
    ids=["gray", "color", "three"],
)
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_probabilities_of_all_images_sum_to_one(block, image_shape, scales):
    model = make(block, image_shape, scales, levels=2)
    parts = np.array_split(all_images(image_shape, 2), 16 if len(scales) > 2 else 1)
    nats = np.concatenate([negative_log_likelihood(images, model(images)) for images in parts]).astype("float64")
    probabilities = np.exp(-nats)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert probabilities.std() > 0.1 * probabilities.mean(), "a uniform model proves nothing"


@pytest.mark.parametrize("block", ["pixel_cnn", pytest.param("diagonal_bilstm", marks=pytest.mark.slow)])
def test_the_likelihood_is_that_of_the_small_image_and_of_the_other_pixels(block):
    model = make(block, (4, 6, 3), (2, 4))
    images = random_images(model, 3)
    small = images[:, ::2, ::2]
    first, second = model.networks
    assert first.image_shape == (2, 3, 3)
    of_small = -np.array(negative_log_likelihood(small, first(small)))
    of_large = np.array(log_prob_of_levels(images, second([images, small.astype("int32")])))
    new = np.ones((4, 6), bool)
    new[::2, ::2] = False
    expected = of_small + of_large[:, new].sum((1, 2))
    np.testing.assert_allclose(-negative_log_likelihood(images, model(images)), expected, rtol=1e-5)
    np.testing.assert_allclose(PixelDistribution(model).log_prob(images), expected, rtol=1e-5)
    by_scale = np.stack([of_small, of_large[:, new].sum((1, 2))], axis=1)
    np.testing.assert_allclose(log_prob_by_scale(model, images), by_scale, rtol=1e-5)
    # The map of the large image has the small one's terms where it fixes the pixels.
    terms = np.array(log_prob_map(model, images))
    np.testing.assert_allclose(terms[:, ::2, ::2], log_prob_of_levels(small, first(small)), atol=1e-5)
    np.testing.assert_allclose(terms[:, new], of_large[:, new], atol=1e-5)


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_each_scale_reads_the_past_of_its_image_exactly(block):
    model = make(block, (6, 8, 2), (3, 6), num_blocks=2, hidden=7, head_hidden=10, scale=0.3, dtype="float64")
    network = model.networks[1]
    expected = expected_field(block, 2, network.image_shape)
    seen = np.zeros_like(expected)
    for seed in range(3):
        seen |= field_by_gradient(network, seed)
    assert not (seen & ~expected).any()
    assert (expected & ~seen).mean() < 0.02, "a ReLU may be dead, but few of them"


@pytest.mark.parametrize(("image_shape", "factor"), [((3, 5, 2), 2), ((7, 4, 1), 3), ((1, 2, 1), 4)])
def test_every_pixel_of_the_map_sees_all_of_the_small_image(image_shape, factor):
    seen = False
    for seed in range(6):
        upsampler = Upsampler(image_shape, 4, factor, 6, dtype="float64")
        upsampler.build(None)
        randomize(upsampler, seed)
        x = tf.constant(np.random.default_rng(seed).uniform(-1, 1, (1, *image_shape)))
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = tf.reduce_sum(upsampler.map_of_scaled(x, "float64") ** 2, axis=-1)
        jacobian = tape.jacobian(maps, x).numpy().reshape(factor**2 * image_shape[0] * image_shape[1], -1)
        seen |= jacobian != 0
    assert seen.all()


@pytest.mark.parametrize(
    ("block", "image_shape", "scales"),
    [("pixel_cnn", (4, 8, 1), (1, 2, 4)), ("row_lstm", (6, 4, 3), (3, 6)), ("diagonal_bilstm", (6, 6, 1), (2, 6))],
)
def test_images_are_drawn_and_completed_in_the_order_of_the_scales(block, image_shape, scales):
    model, rng = make(block, image_shape, scales), np.random.default_rng(0)
    noise = rng.uniform(size=(3, *image_shape)).astype("float32")
    drawn, log_prob = generate(model, noise, return_log_prob=True)
    check_intervals(model, drawn, noise)
    np.testing.assert_allclose(log_prob, -negative_log_likelihood(drawn, model(drawn)), rtol=1e-5, atol=1e-5)
    assert np.array_equal(generate(model, noise, dtype="float64"), drawn)
    images, known = random_images(model, 3), rng.random((3, *image_shape[:2])) < 0.5
    known[:, 0] = True
    completed, log_prob = generate(model, noise, images, known, temperature=0.7, return_log_prob=True)
    check_intervals(model, completed, noise, ~known[..., None], temperature=0.7)
    assert np.array_equal(completed.numpy()[known], images[known])
    np.testing.assert_allclose(log_prob, -negative_log_likelihood(completed, model(completed)), rtol=1e-5, atol=1e-5)


def test_equals_the_model_run_anew_for_every_sub_pixel():
    model = make("pixel_cnn", (4, 4, 3))
    noise = np.random.default_rng(1).uniform(size=(2, 4, 4, 3)).astype("float32")
    drawn = np.zeros(noise.shape, "int32")
    small_first = sorted(np.ndindex(4, 4), key=lambda at: (at[0] % 2 != 0 or at[1] % 2 != 0, at))
    run = tf.function(model)
    for row, column in small_first:
        for k in range(3):
            here = (slice(None), row, column, k)
            drawn[here] = draw_level(run(tf.constant(drawn))[here], noise[here])
    assert np.array_equal(generate(model, noise), drawn)


def test_frequencies_of_tiny_images_are_their_probabilities():
    model, number = make("row_lstm", (2, 2, 1), (1, 2), levels=2), 3000
    drawn = PixelDistribution(model).sample(number, seed=3).numpy().reshape(number, -1)
    counts = np.bincount(drawn @ [8, 4, 2, 1], minlength=16)
    images = all_images((2, 2, 1), 2)
    p = np.exp(-np.array(negative_log_likelihood(images, model(images))))
    assert (np.abs(counts - number * p) <= 4.5 * np.sqrt(number * p * (1 - p)) + 1).all()


def test_what_is_no_level_has_no_likelihood():
    model = make()
    images = random_images(model, 3)
    images[1, 0, 0], images[2, 1, 1] = 3, 200
    nats = np.array(negative_log_likelihood(images, tf.function(model)(images)))
    assert np.isfinite(nats).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="images must hold integer levels from 0 to 2, got 3"):
        model(images)
    with pytest.raises(ValueError, match="must hold integer levels"):
        model(images / 2)
    fractions = tf.function(model)(tf.constant(images[:1] / np.float32(2)))
    assert np.isnan(fractions).any()


@pytest.mark.parametrize("block", ["pixel_cnn", pytest.param("row_lstm", marks=pytest.mark.slow)])
def test_files_and_presets(block, tmp_path):
    model = make(block, (4, 8, 1), (1, 2, 4), dtype="mixed_bfloat16")
    images = random_images(model, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded(images), model(images))
    twin = MultiScalePixelRNN.from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    twin.save_to_preset(tmp_path / "preset")
    for cls in (MultiScalePixelRNN, ImageModel):
        assert np.array_equal(cls.from_preset(tmp_path / "preset")(images), twin(images))
    with pytest.raises(ValueError, match=r"is a MultiScalePixelRNN: load it with MultiScalePixelRNN.from_preset"):
        PixelRNN.from_preset(tmp_path / "preset")
    with pytest.raises(ValueError, match=r"no preset 'cifar10_row_lstm'\. The presets are: mnist_row_lstm_scales\."):
        MultiScalePixelRNN.from_preset("cifar10_row_lstm", load_weights=False)
    # The number of weights is that of its networks, each with its upsampler.
    assert model.count_params() == sum(network.count_params() for network in model.networks)
    assert len({weight.path for weight in model.weights}) == len(model.weights)


@pytest.mark.parametrize(
    ("image_shape", "scales", "message"),
    [
        ((4, 4, 1), (3, 4), r"each a multiple of the previous one.* 4 is not a larger multiple of 3"),
        ((6, 6, 1), (2, 4, 6), r"got \(2, 4, 6\), where 6 is not a larger multiple of 4"),
        ((4, 4, 1), (4, 4), "4 is not a larger multiple of 4"),
        ((4, 4, 1), (4,), r"at least two heights, the last one that of the images, 4; got \(4,\)"),
        ((4, 4, 1), (2, 8), r"the last one that of the images, 4; got \(2, 8\)"),
        ((4, 4, 1), 4, "at least two heights.* got 4"),
        ((4, 4, 1), (0, 4), "scales must be at least 1, got 0"),
        ((4, 6, 1), (1, 4), "every 4-th pixel of images of 4 x 6, but 6 is not a multiple of 4"),
    ],
)
def test_scales_that_do_not_divide_are_refused(image_shape, scales, message):
    with pytest.raises(ValueError, match=message):
        make(image_shape=image_shape, scales=scales)


def test_an_upsampler_makes_maps_of_its_images():
    with pytest.raises(ValueError, match=r"makes maps of 4 x 6; the images to condition are \(4, 4, 1\)"):
        PixelRNN((4, 4, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=Upsampler((2, 3, 1), 2, 2, 4))
    model = randomize(PixelRNN((4, 6, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=Upsampler((2, 3, 1), 5, 2, 4)))
    images, small = np.zeros((2, 4, 6, 1), "uint8"), np.zeros((2, 2, 3, 1), "uint8")
    assert model([images, small]).shape == (2, 4, 6, 1, 2)
    with pytest.raises(ValueError, match="condition must hold integers from 0 to 4; got 5"):
        model([images, small + 5])
