"""Quantization, binary samples and the fitting of images: literal numbers and exact round trips."""

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.data import to_bytes, to_levels
from pixelrnn_tf.data.binarize import make_key, sample_binary
from pixelrnn_tf.data.fit import fit_image, fitted_shape


@pytest.mark.parametrize("as_type", [np.asarray, tf.constant])
def test_levels_read_back_from_bytes(as_type):
    for levels in range(2, 257):
        values = as_type(np.arange(levels))
        shown = to_bytes(values, levels)
        assert shown.dtype == "uint8"
        assert (int(shown[0]), int(shown[-1])) == (0, 255)
        assert np.array_equal(to_levels(shown, levels), values)


def test_rounding_is_half_up_of_the_exact_quotient():
    for levels in range(2, 257):
        exact = [int(Fraction(value * (levels - 1), 255) + Fraction(1, 2)) for value in range(256)]
        assert to_levels(np.arange(256, dtype="uint8"), levels).tolist() == exact
    # 8 of 0..16 is one half, 5 * 2 / 4 is two and a half: up, where rounding to even goes down.
    assert to_levels([7, 8, 9], 2, source_levels=17).tolist() == [0, 1, 1]
    assert to_levels([0, 1, 2, 3, 4], 3, source_levels=5).tolist() == [0, 1, 1, 2, 2]
    assert to_bytes([0, 1, 2], 3).tolist() == [0, 128, 255]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_every_integer_type_gives_the_same_levels(dtype):
    values = np.arange(100, dtype=dtype).reshape(10, 10)
    assert np.array_equal(to_levels(values, 16, 100), to_levels(values.astype("int32"), 16, 100))
    assert np.array_equal(to_levels(tf.constant(values), 16, 100), to_levels(values, 16, 100))


@pytest.mark.parametrize("as_type", [np.asarray, tf.constant])
def test_wrong_values_are_named(as_type):
    with pytest.raises(ValueError, match=r"Values must be in \[0, 17\), got values from 0 to 17"):
        to_levels(as_type([0, 17]), 2, 17)
    with pytest.raises(ValueError, match=r"Values must be in \[0, 256\), got values from -1 to 5"):
        to_levels(as_type([-1, 5]), 2)
    with pytest.raises(ValueError, match="Values must be integers, got float32"):
        to_levels(as_type(np.zeros(3, "float32")), 2)
    with pytest.raises(ValueError, match="levels must be from 2 to 256, got 1"):
        to_levels(as_type([0]), 1)
    with pytest.raises(ValueError, match=r"levels must be an integer, got 2\.5"):
        to_levels(as_type([0]), 2.5)
    with pytest.raises(ValueError, match="source_levels must be from 2 to 256, got 257"):
        to_bytes(as_type([0]), 257)


def test_wrong_values_are_named_in_a_graph():
    requantised = tf.data.Dataset.from_tensors([3, 99]).map(lambda values: to_levels(values, 2, 17))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Values must be in \[0, 17\)"):
        next(iter(requantised))


def test_binary_samples_have_the_probabilities_of_the_values():
    draws, levels = 20_000, 17
    images = tf.tile(tf.range(levels)[:, None], [1, draws])
    sample = sample_binary(images, levels, make_key(0, 1)).numpy()
    assert sample.dtype == np.uint8
    assert set(np.unique(sample)) == {0, 1}
    assert not sample[0].any()
    assert sample[-1].all()
    probability = np.arange(levels) / (levels - 1)
    # Five standard errors of a binomial frequency: 15 values pass by chance all but once in 100,000 seeds.
    bound = 5 * np.sqrt(probability * (1 - probability) / draws)
    assert (abs(sample.mean(1) - probability) <= bound).all()


def test_a_key_is_a_function_of_its_parts_in_order():
    keys = [
        make_key(*parts).numpy().tolist() for parts in [(0,), (1,), (0, 1), (0, 1, 2), (0, 2, 1), (1, 0), (1, 1, 2)]
    ]
    assert len({tuple(key) for key in keys}) == len(keys)
    assert make_key(0, 1, tf.constant(2)).numpy().tolist() == keys[3]


def test_an_image_is_cropped_about_its_middle_and_averaged():
    image = np.arange(2 * 8).reshape(2, 8, 1)
    # The middle 2x4 is [[2, 3, 4, 5], [10, 11, 12, 13]]; its two squares average to 6.5 and 8.5, rounded up.
    assert fit_image(image, (1, 2, 1), 256).numpy().tolist() == [[[7], [9]]]
    assert fit_image(image.transpose(1, 0, 2), (2, 1, 1), 256).numpy().tolist() == [[[7]], [[9]]]
    assert fit_image(image, (2, 8, 1), 256).numpy().tolist() == image.tolist()


def test_color_becomes_gray_by_luma_and_gray_color_by_repetition():
    color = np.eye(3)[None] * 255
    assert fit_image(color, (1, 3, 1), 256).numpy().tolist() == [[[76], [150], [29]]]
    gray = np.arange(256).reshape(16, 16, 1)
    repeated = fit_image(gray, (16, 16, 3), 256).numpy()
    assert np.array_equal(repeated, np.repeat(gray, 3, -1))
    assert np.array_equal(fit_image(repeated, (16, 16, 1), 256), gray)
    # A gray image whose channels are known only when it runs does not pass through its luma, which rounds.
    halves = [np.array([[[value], [value]], [[value + 1]] * 2], "uint8") for value in range(255)]
    varying = tf.data.Dataset.from_generator(
        lambda: halves, output_signature=tf.TensorSpec((None, None, None), "uint8")
    )
    rounded = [image.numpy().item() for image in varying.map(lambda image: fit_image(image, (1, 1, 1), 256))]
    assert rounded == list(range(1, 256))
    # Levels stay levels: a white 17-level image is 16 everywhere, at any size.
    assert (fit_image(np.full((8, 8, 1), 16), (5, 7, 1), 17).numpy() == 16).all()


def test_a_fitted_shape_says_what_is_missing():
    assert fitted_shape("x", (28, 28, 1), None, None, 256) == (28, 28, 1)
    assert fitted_shape("x", (None, None, 3), (4, 5), 1, 256) == (4, 5, 1)
    with pytest.raises(ValueError, match=r"images of x vary in size: pass image_size=\(height, width\)"):
        fitted_shape("x", (None, 4, 3), None, 1, 256)
    with pytest.raises(ValueError, match="vary in their number of channels: pass channels=1 or 3"):
        fitted_shape("x", (4, 4, None), None, None, 256)
    with pytest.raises(ValueError, match="have 4 channels; only 1"):
        fitted_shape("x", (4, 4, 4), None, 3, 256)
    assert fitted_shape("x", (4, 4, 1), (4, 4), 3, 2) == (4, 4, 3)
    with pytest.raises(ValueError, match=r"x is already binary: resizing .* Omit image_size=\(height, width\)"):
        fitted_shape("x", (4, 4, 1), (2, 4), None, 2)
