"""Weights of one image size at another: which conditional distributions stay the same, and that all sum to one.

In a larger image, a pixel has the distribution that it has in a smaller one with the same content if its receptive
field includes nothing beyond the border of the smaller one. The borders at the top and on the left are the same.
"""

import numpy as np
import pytest

from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.layers import LabelEmbedding, Upsampler
from pixelrnn_tf.models import MultiScalePixelRNN, PixelRNN, log_prob_map, negative_log_likelihood
from pixelrnn_tf.sampling import generate
from tests.support.networks import BLOCK_NAMES, all_images, make_network, random_images, randomize
from tests.support.noise_intervals import check_intervals


def at_size(model, image_shape, folder):
    """The same weights at another image size, through a preset."""
    model.save_to_preset(folder / "preset")
    return type(model).from_preset(folder / "preset", image_shape=image_shape)


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_taller_image_begins_as_the_smaller_one_does(block, tmp_path):
    small = make_network(block, (5, 6, 1), num_blocks=1)
    tall = at_size(small, (9, 6, 1), tmp_path)
    images = random_images(tall, 4)
    np.testing.assert_allclose(log_prob_map(tall, images)[:, :5], log_prob_map(small, images[:, :5]), atol=1e-5)
    drawn = PixelDistribution(tall).sample(4, seed=3)
    assert np.array_equal(drawn[:, :5], PixelDistribution(small).sample(4, seed=3)), "a seed draws the same rows"


def same_in_a_wider_image(block, row, column, width, num_blocks):
    """Whether the distribution of a pixel stays the same if columns are added to an image of this width."""
    last = width - 1
    if block == "pixel_cnn":
        return row == 0 or column + 3 + min(num_blocks, row - 1) <= last
    if block == "row_lstm":  # The state above the first row is read too.
        return column + row + 2 <= last if row else column + 1 <= last
    return row == 0  # The right-to-left layer of the Diagonal BiLSTM reads all of the rows above.


@pytest.mark.parametrize("num_blocks", [1, 2])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_wider_image_has_the_same_distributions_exactly_where_the_field_ends_before_the_border(
    block, num_blocks, tmp_path
):
    small = make_network(block, (6, 12, 1), num_blocks=num_blocks, dtype="float64")
    small.save_to_preset(tmp_path / "preset")
    large = PixelRNN.from_preset(tmp_path / "preset", image_shape=(7, 16, 1))
    images = random_images(large, 16)
    difference = np.abs(np.array(large(images))[:, :6, :12] - np.array(small(images[:, :6, :12])))
    same = difference.max(axis=(0, 3, 4)) < 1e-12
    expected = [[same_in_a_wider_image(block, r, c, 12, num_blocks) for c in range(12)] for r in range(6)]
    assert np.array_equal(same, expected)


def test_a_pixel_cnn_does_not_depend_on_the_place_in_the_image(tmp_path):
    """Where the field, 4 rows up and 4 columns to both sides, is inside both images."""
    small = make_network("pixel_cnn", (7, 11, 1), num_blocks=1)
    large = at_size(small, (13, 20, 1), tmp_path)
    images = random_images(large, 4)
    inner = log_prob_map(small, images[:, 5:12, 6:17])[:, 4:, 4:7]
    np.testing.assert_allclose(log_prob_map(large, images)[:, 9:12, 10:13], inner, atol=1e-5)


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_probabilities_of_all_images_of_another_size_sum_to_one(block, tmp_path):
    model = at_size(make_network(block, (5, 6, 1), levels=3, num_blocks=1), (2, 3, 1), tmp_path)
    images = all_images((2, 3, 1), 3)
    probabilities = np.exp(-np.array(negative_log_likelihood(images, model(images)), "float64"))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities.std() > 0.1 * probabilities.mean(), "a uniform model proves nothing"


def multi_scale(image_shape, scales):
    arguments = {"num_blocks": 1, "hidden": 4, "head_hidden": 5, "upsampler_features": 3}
    return randomize(MultiScalePixelRNN(image_shape, 2, scales, "row_lstm", **arguments), scale=0.5)


def test_scales_change_with_the_size(tmp_path):
    small = multi_scale((2, 4, 1), (1, 2))
    model = at_size(small, (4, 2, 1), tmp_path)
    assert model.heights == (2, 4)
    assert [network.image_shape for network in model.networks] == [(2, 1, 1), (4, 2, 1)]
    images = all_images((4, 2, 1), 2)
    probabilities = np.exp(-np.array(negative_log_likelihood(images, model(images)), "float64"))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert all(map(np.array_equal, model.get_weights(), small.get_weights()))

    noise = np.random.default_rng(0).uniform(size=(3, 4, 2, 1)).astype("float32")
    check_intervals(model, generate(model, noise), noise)


def test_sizes_that_do_not_fit_are_named(tmp_path):
    model = multi_scale((8, 8, 1), (4, 8))
    model.save_to_preset(tmp_path / "scales")

    def load(image_shape, name="scales", cls=MultiScalePixelRNN):
        return cls.from_preset(tmp_path / name, image_shape=image_shape)

    assert load((6, 8, 1)).heights == (3, 6)
    with pytest.raises(ValueError, match=r"every 2-th pixel, so height and width must be multiples of 2"):
        load((8, 9, 1))
    with pytest.raises(ValueError, match=r"image_shape=\(8, 10, 1\) does not fit .* side must be from 3 to 4, not 5"):
        load((8, 10, 1))
    with pytest.raises(ValueError, match=r"side must be from 3 to 4, not 2"):
        load((4, 4, 1))
    with pytest.raises(ValueError, match=r"^image_shape=\(8, 8, 3\) .*trained with image_shape=\[8, 8, 1\]"):
        load((8, 8, 3))
    for wrong in (5, (8, 8), (8, 0, 1)):
        with pytest.raises(ValueError, match=r"^image_shape must be three positive integers"):
            load(wrong)

    small = {"num_blocks": 1, "hidden": 4, "head_hidden": 4}
    by_image = PixelRNN((4, 6, 1), 2, "pixel_cnn", **small, conditioner=Upsampler((2, 3, 1), 2, 2, 3))
    by_image.save_to_preset(tmp_path / "upsampler")
    with pytest.raises(ValueError, match=r"makes maps of 4 x 6; the images to condition are \(8, 6, 1\)"):
        load((8, 6, 1), "upsampler", PixelRNN)
    by_label = PixelRNN((4, 6, 1), 2, "pixel_cnn", **small, conditioner=LabelEmbedding(3, 2))
    by_label.save_to_preset(tmp_path / "labels")
    larger = load((8, 9, 1), "labels", PixelRNN)
    assert larger([random_images(larger, 2), np.int32([0, 2])]).shape == (2, 8, 9, 1, 2)


@pytest.mark.parametrize(
    "name",
    [
        "mnist_diagonal_bilstm_1x32",
        pytest.param("mnist_row_lstm_7x16", marks=pytest.mark.slow),
        pytest.param("mnist_pixel_cnn_15x16", marks=pytest.mark.slow),
    ],
)
def test_a_preset_of_28_x_28_scores_and_draws_32_x_40(name):
    model = PixelRNN.from_preset(name, image_shape=(32, 40, 1))
    noise = np.random.default_rng(0).uniform(size=(2, 32, 40, 1)).astype("float32")
    images, log_prob = generate(model, noise, return_log_prob=True)
    check_intervals(model, images, noise)
    np.testing.assert_allclose(log_prob, PixelDistribution(model).log_prob(images), rtol=1e-4)
    assert 0.02 < np.mean(images) < 0.4, "strokes on an empty ground"
