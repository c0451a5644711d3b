"""Restoration keeps what the model expects and draws the rest again, in one pass in raster order."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.models import MultiScalePixelRNN, log_prob_map
from pixelrnn_tf.sampling import MIN_TEMPERATURE, generate, restore
from tests.support.naive import naive_restore
from tests.support.networks import BLOCK_NAMES, make_network, random_images, randomize
from tests.support.noise_intervals import check_intervals


def uniform(model, batch, seed=0):
    return np.random.default_rng(seed).uniform(size=(batch, *model.image_shape)).astype("float32")


@pytest.mark.parametrize("image_shape", [(5, 6, 1), (4, 3, 3)], ids=["gray", "color"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_equals_the_whole_network_run_for_every_sub_pixel(block, image_shape):
    model = make_network(block, image_shape)
    images, noise = random_images(model, 6), uniform(model, 6)
    threshold = np.float32([0, 0.5, 1, 2, 3, np.inf])
    expected, redrawn, bits = naive_restore(model, noise, images, threshold, 0.7)
    assert np.abs(bits - threshold.reshape(-1, 1, 1, 1)).min() > 1e-5, "rounding decides"
    got = restore(model, noise, images, threshold, 0.7)
    assert np.array_equal(got[0], expected)
    assert np.array_equal(got[1], redrawn)
    assert np.all(got[1][0]), "with threshold 0, every sub-pixel is redrawn"
    assert 0.1 < redrawn[1:-1].mean() < 0.9
    assert np.array_equal(got[0][-1], images[-1]), "with threshold infinity, every sub-pixel is kept"
    assert not np.any(got[1][-1])


def test_a_damaged_pixel_does_not_condemn_the_pixels_after_it():
    """Otherwise restoration would be the redrawing of all pixels that are bright on the surprise map."""
    model = make_network("row_lstm", num_blocks=1)
    images, noise = random_images(model, 64), uniform(model, 64)
    restored, redrawn = map(np.array, restore(model, noise, images, 3.0))
    on_map = np.array(log_prob_map(model, images)) < -3 * np.log(2)
    first = np.cumsum(on_map.reshape(64, -1), axis=1).reshape(on_map.shape) - on_map == 0
    assert np.array_equal(on_map & first, redrawn & first), "up to the first one, both are the same"
    assert (on_map != redrawn).any()
    # Given the restored image, every kept sub-pixel is at most as surprising as allowed.
    bits = np.array(log_prob_map(model, restored)) / -np.log(2)
    assert bits[~redrawn].max() < 3 + 1e-4


def test_with_threshold_zero_the_image_is_new():
    model = make_network("pixel_cnn", num_blocks=1)
    images, noise = random_images(model, 5), uniform(model, 5)
    assert np.array_equal(restore(model, noise, images, 0)[0], generate(model, noise))


def test_near_temperature_zero_redrawn_sub_pixels_are_the_likeliest():
    model = make_network("pixel_cnn", (3, 4, 3), num_blocks=1)
    images, noise = random_images(model, 8), uniform(model, 8)
    restored, redrawn = map(np.array, restore(model, noise, images, 2.5, MIN_TEMPERATURE))
    assert np.array_equal(restored[redrawn], np.argmax(model(restored), -1)[redrawn])
    assert np.array_equal(restored[~redrawn], images[~redrawn])
    assert redrawn.any()


def test_a_conditional_model():
    model = make_network("row_lstm", (3, 4, 1), num_blocks=1, condition_features=2)
    images, noise = random_images(model, 4), uniform(model, 4)
    condition = np.random.default_rng(1).normal(size=(4, 3, 4, 2)).astype("float32")
    expected, redrawn, _ = naive_restore(model, noise, images, 2.0, condition=condition)
    got = restore(model, noise, images, 2.0, condition=condition)
    assert np.array_equal(got[0], expected)
    assert np.array_equal(got[1], redrawn)


def test_codes_are_restored():
    model = make_network("pixel_cnn", (3, 4, 2), levels=300, inputs="codes", num_blocks=1)
    images, noise = np.random.default_rng(0).integers(0, 300, (4, 3, 4, 2)), uniform(model, 4)
    expected, redrawn, _ = naive_restore(model, noise, images, 9.0)
    got = restore(model, noise, images, 9.0)
    assert np.array_equal(got[0], expected)
    assert np.array_equal(got[1], redrawn)
    assert 0.1 < redrawn.mean() < 0.9


def test_a_multi_scale_model_restores_the_small_image_first():
    scales = randomize(MultiScalePixelRNN((4, 6, 1), 4, (2, 4), "pixel_cnn", num_blocks=1, hidden=5, head_hidden=7))
    images, noise = random_images(scales, 16), uniform(scales, 16)
    restored, redrawn = map(np.array, restore(scales, noise, images, 2.0))
    small = restore(scales.networks[0], noise[:, ::2, ::2], images[:, ::2, ::2], 2.0)
    assert np.array_equal(restored[:, ::2, ::2], small[0]), "the small image is restored first"
    assert np.array_equal(redrawn[:, ::2, ::2], small[1])
    assert np.array_equal(restored[~redrawn], images[~redrawn])
    bits = np.array(log_prob_map(scales, restored)) / -np.log(2)
    assert bits[~redrawn].max() < 2 + 1e-4
    check_intervals(scales, restored, noise, where=redrawn)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_same_in_a_graph_and_alone_in_a_batch(jit_compile):
    model = make_network("pixel_cnn", num_blocks=1)
    images, noise = random_images(model, 3), uniform(model, 3)
    expected = [np.array(x) for x in restore(model, noise, images, 2.0)]
    run = tf.function(lambda *given: restore(model, *given), jit_compile=jit_compile)
    given = tf.constant(noise), tf.constant(images), tf.constant(2.0)
    for got, alone, whole in zip(run(*given), restore(model, noise[1:2], images[1:2], 2.0), expected, strict=True):
        assert np.array_equal(got, whole)
        assert np.array_equal(alone, whole[1:2])


def test_wrong_arguments():
    model = make_network("pixel_cnn", (2, 3, 1), num_blocks=1)
    images, noise = random_images(model, 3), uniform(model, 3)
    for wrong in (-1.0, np.nan, "1", [1.0, 2.0, -1.0], np.ones((3, 1))):
        with pytest.raises(ValueError, match="threshold must be a number of bits of at least 0, or one per image; got"):
            restore(model, noise, images, wrong)
    with pytest.raises(ValueError, match="same batch size; got noise 3, images 3, threshold 2"):
        restore(model, noise, images, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"images must have the shape \(None, 2, 3, 1\).* got \(3, 2, 3\)"):
        restore(model, noise, images[..., 0], 1.0)
    with pytest.raises(ValueError, match="images must hold integers from 0 to 3"):
        restore(model, noise, images + 4, 1.0)
    # A graph cannot raise errors: it redraws invalid levels, and draws nothing for an invalid threshold.
    expected = np.array(restore(model, noise, images, 2.0)[0])
    broken = images.astype("float32")
    broken[0, 0, 0] = 1.5
    restored, redrawn = tf.function(lambda *given: restore(model, *given))(
        tf.constant(noise), tf.constant(broken), tf.constant([2.0, np.nan, 2.0])
    )
    assert redrawn[0, 0, 0, 0]
    assert (restored[1].numpy() == -1).all()
    assert np.array_equal(restored[2], expected[2])
