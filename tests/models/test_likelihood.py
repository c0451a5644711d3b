"""The likelihood is exact: it sums to one over all images, and its units are right."""

import re

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.distributions import discretized_categorical
from pixelrnn_tf.models import BitsPerDim, NegativeLogLikelihood, bits_per_dim, negative_log_likelihood
from tests.support.networks import BLOCK_NAMES, all_images, make_network


@pytest.mark.parametrize("condition_features", [0, 2])
@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 3), ((1, 2, 3), 2), ((2, 1, 3), 2), ((3, 3, 1), 2)])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_probabilities_of_all_images_sum_to_one(block, shape, levels, condition_features):
    model = make_network(block, shape, levels=levels, scale=0.6, condition_features=condition_features)
    images = all_images(shape, levels)
    inputs = images
    if condition_features:
        condition = np.random.default_rng(0).normal(size=(1, *shape[:2], condition_features)).astype("float32")
        inputs = [images, np.repeat(condition, len(images), axis=0)]
    probabilities = np.exp(-np.array(negative_log_likelihood(images, model(inputs)), "float64"))
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert probabilities.std() > 0.1 * probabilities.mean(), "a uniform model proves nothing"


def test_units_of_known_scores():
    mnist, cifar10 = (28, 28, 1), (32, 32, 3)
    assert bits_per_dim(79.20, mnist) == pytest.approx(0.14574, abs=5e-6)
    assert bits_per_dim(543.43, mnist) == pytest.approx(1.0, abs=1e-5)
    assert bits_per_dim(6388.0, cifar10) == pytest.approx(3.0, abs=2.5e-5)


def test_loss_of_a_fair_coin_is_784_ln_2_nats_and_one_bit():
    images = np.random.default_rng(0).integers(0, 2, (3, 28, 28, 1))
    logits = np.zeros((3, 28, 28, 1, 2), "float32")
    assert float(NegativeLogLikelihood()(images, logits)) == pytest.approx(543.43, abs=0.005)
    metric = BitsPerDim()
    metric.update_state(images, logits)
    metric.update_state(images[:1], logits[:1])
    assert float(metric.result()) == pytest.approx(1.0, abs=1e-6)


def test_loss_weights_examples():
    images = np.array([0, 1, 1]).reshape(3, 1, 1, 1)
    logits = np.log([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]).reshape(3, 1, 1, 1, 2)
    nats = -np.log([0.5, 0.8, 0.1])
    np.testing.assert_allclose(negative_log_likelihood(images, logits), nats, rtol=1e-6)
    weighted = NegativeLogLikelihood()(images, logits, sample_weight=np.array([1.0, 0.0, 2.0]))
    assert float(weighted) == pytest.approx((nats[0] + 2 * nats[2]) / 3, rel=1e-6)


@pytest.mark.parametrize("shape", [(4, 3, 2, 1), (1, 3, 2, 3), (4, 1, 1, 1), (4, 2, 3, 3)])
def test_targets_of_another_shape_are_not_broadcast(shape):
    logits, images = np.zeros((4, 3, 2, 3, 5), "float32"), np.zeros(shape, "uint8")
    for score in (NegativeLogLikelihood(), negative_log_likelihood, BitsPerDim().update_state):
        with pytest.raises(ValueError, match=re.escape(str(shape))):
            score(images, logits)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_labels_are_no_targets(shape):
    for score in (NegativeLogLikelihood(), BitsPerDim().update_state):
        with pytest.raises(ValueError, match=r"call fit\(images\), or fit\(\[images, labels\]\)"):
            score(np.zeros(shape, "int32"), np.zeros((4, 3, 2, 3, 5), "float32"))


def test_half_precision_logits_are_summed_in_float32():
    logits = np.random.default_rng(0).normal(size=(2, 28, 28, 1, 2)).astype("float16")
    images = np.zeros((2, 28, 28, 1), int)
    got = np.array(negative_log_likelihood(images, logits))
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, negative_log_likelihood(images, logits.astype("float64")), rtol=1e-5)


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_the_distribution_of_one_pass_equals_the_loss(block):
    model = make_network(block, (5, 6, 3))
    images = np.random.default_rng(0).integers(0, 4, (3, 5, 6, 3))
    logits = model(images)
    distribution = discretized_categorical(logits)
    assert distribution.event_shape == (5, 6, 3)
    assert distribution.batch_shape == (3,)
    assert distribution.dtype == "int32"
    np.testing.assert_allclose(distribution.log_prob(images), -negative_log_likelihood(images, logits), rtol=1e-6)
    assert distribution.sample(2, seed=(1, 2)).shape == (2, 3, 5, 6, 3)


def test_the_distribution_casts_half_precision_and_checks_levels():
    distribution = discretized_categorical(np.zeros((1, 2, 2, 1, 4), "float16"), validate_args=True)
    assert distribution.log_prob(np.zeros((1, 2, 2, 1), "int32")).dtype == "float32"
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"integers in \[0, 4\)"):
        distribution.log_prob(np.full((1, 2, 2, 1), 4, "int32"))
    with pytest.raises(ValueError, match=r"\(\.\.\., height, width, channels, levels\).* got \(2, 2, 1\)"):
        discretized_categorical(np.zeros((2, 2, 1)))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_gradient_of_the_loss_is_the_softmax_less_the_image(jit_compile):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 5, (2, 3, 4, 3)).astype("uint8")
    logits = tf.constant(3 * generator.normal(size=(2, 3, 4, 3, 5)))

    @tf.function(jit_compile=jit_compile)
    def gradient(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.reduce_sum(negative_log_likelihood(images, logits) * [1.0, -2.0])
        return tape.gradient(loss, logits)

    weights = np.reshape([1.0, -2.0], (2, 1, 1, 1, 1))
    expected = weights * (tf.nn.softmax(logits).numpy() - np.eye(5)[images])
    np.testing.assert_allclose(gradient(logits), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_level_that_does_not_exist_has_no_likelihood(jit_compile):
    images = np.reshape([0, 1, 2, -1], (4, 1, 1, 1))
    nats = tf.function(negative_log_likelihood, jit_compile=jit_compile)(images, tf.zeros((4, 1, 1, 1, 2)))
    np.testing.assert_allclose(nats, [np.log(2), np.log(2), np.nan, np.nan], rtol=1e-6)
