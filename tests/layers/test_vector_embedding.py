"""Conditions that are numbers."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf import layers
from pixelrnn_tf.models import log_prob
from pixelrnn_tf.sampling import generate
from pixelrnn_tf.serving.signatures import Signatures
from tests.support.networks import all_images, make_network
from tests.support.noise_intervals import check_intervals


@pytest.fixture(scope="module")
def by_temperature():
    conditioner = layers.VectorEmbedding(2, 4, low=(1, -3), high=(4, 3))
    return make_network("diagonal_bilstm", (2, 2, 1), levels=3, num_blocks=1, conditioner=conditioner)


def test_probabilities_given_a_vector_sum_to_one(by_temperature):
    images, totals = all_images((2, 2, 1), 3), []
    for vector in ([1, -3], [2.5, 0], [4, 3]):
        condition = np.tile(np.float32(vector), (len(images), 1))
        probabilities = np.exp(np.array(log_prob(by_temperature, images, condition), "float64"))
        assert probabilities.sum() == pytest.approx(1, abs=1e-6)
        totals.append(probabilities)
    assert np.abs(totals[0] - totals[2]).max() > 1e-3


def test_a_vector_is_drawn_from_and_served(by_temperature):
    rng = np.random.default_rng(0)
    noise = rng.uniform(size=(8, 2, 2, 1)).astype("float32")
    vectors = by_temperature.condition_format.examples(8, rng)
    assert vectors.dtype == np.float32
    assert ((vectors >= [1, -3]) & (vectors <= [4, 3])).all()
    drawn = generate(by_temperature, noise, condition=vectors)
    check_intervals(by_temperature, drawn, noise, condition=vectors)
    score = Signatures(by_temperature).function("score")
    images = tf.cast(drawn, tf.uint8)
    np.testing.assert_allclose(
        score(images, tf.constant(vectors))["log_prob"], log_prob(by_temperature, drawn, vectors), rtol=1e-5
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"numbers from \(1, -3\) to \(4, 3\)"):
        score(images, tf.constant(vectors + 3))


@pytest.mark.parametrize("vectors", [[[1.5]], [1.5], [[1.5, 0.0, 2.0]]])
def test_a_vector_of_another_length_is_refused(by_temperature, vectors):
    with pytest.raises(ValueError, match=r"condition must have the shape \(None, 2\)"):
        log_prob(by_temperature, np.zeros((1, *by_temperature.image_shape), "uint8"), vectors)


def test_a_vector_out_of_its_range_is_refused_and_nan_in_a_graph(by_temperature):
    images = np.zeros((2, 2, 2, 1), "uint8")
    vectors = np.float32([[2, 0], [2, 3.5]])
    with pytest.raises(ValueError, match=r"condition must hold numbers from \(1, -3\) to \(4, 3\); got 3.5"):
        by_temperature([images, vectors])
    logits = tf.function(by_temperature)([tf.constant(images), tf.constant(vectors)])
    assert np.isnan(logits[1]).all()
    assert np.isfinite(logits[0]).all()


def test_the_ends_of_a_range_are_valid_in_every_precision():
    takes = layers.VectorEmbedding(1, 2, low=0.1, high=0.7).condition_format((1, 1, 1))
    for dtype in ("float64", "float32"):
        ends = np.array([[0.1], [0.7]], dtype)
        assert np.array(takes.is_valid(takes.convert(ends))).all()


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [(1, 1, "low must be less than high"), ((0, 0), 1, "low must be a number"), (0, 2e6, "high must be a number"),
     (0, float("nan"), "high must be a number"), ("0", 1, "low must be a number")],
)  # fmt: skip
def test_wrong_ranges_are_named(low, high, message):
    with pytest.raises(ValueError, match=message):
        layers.VectorEmbedding(3, 4, low=low, high=high)


def test_a_field_of_numbers_is_not_limited_by_their_range():
    takes = layers.ConditionFormat((2, 2, 3), "float32")
    assert takes.meaning() == "numbers from -1e+06 to 1e+06"
    values = takes.examples(100, np.random.default_rng(0))
    assert values.shape == (100, 2, 2, 3)
    assert 0.9 < values.std() < 1.1
