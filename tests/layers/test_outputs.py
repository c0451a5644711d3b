"""Output distributions against scipy, against each other, and where float32 ends."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp
from scipy.stats import logistic

from pixelrnn_tf.layers import OUTPUTS, Head, LogisticMixture, MixtureBias, Softmax

every = pytest.mark.parametrize("name", OUTPUTS)


def parameters_of(output, number=50, size=1.0, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    bias = output.bias_initializer
    middle = np.array(bias((output.features,))) if callable(bias) else 0.0
    return tf.constant(middle + size * rng.normal(size=(number, output.features)), dtype)


def by_scipy(parameters, levels):
    """log P of every level, in float64, from survival and distribution functions."""
    weights, means, log_scales = np.split(np.array(parameters, "float64")[..., None], 3, axis=-2)
    width = 2 / (levels - 1)
    scales = np.exp(np.clip(log_scales, np.log(width / 16), 7))
    edges = np.concatenate([[-np.inf], -1 + width * (np.arange(levels - 1) + 0.5), [np.inf]])
    below, above = logistic.cdf(edges, means, scales), logistic.sf(edges, means, scales)
    # The smaller tail, where the difference loses least.
    mass = np.where(edges[:-1] > means, above[..., :-1] - above[..., 1:], below[..., 1:] - below[..., :-1])
    with np.errstate(divide="ignore"):
        terms = weights - logsumexp(weights, axis=-2, keepdims=True) + np.log(mass)
    return logsumexp(terms, axis=-2)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_the_mixture_is_that_of_scipy(levels):
    output = LogisticMixture(levels, 3)
    parameters = parameters_of(output, dtype="float64")
    expected = by_scipy(parameters, levels)
    seen = expected > -25  # Below, scipy's differences of float64 have few digits.
    assert seen.mean() > 0.5
    np.testing.assert_allclose(np.array(output.logits(parameters))[seen], expected[seen], rtol=1e-6, atol=1e-7)
    in_single = np.array(output.logits(tf.cast(parameters, "float32")))
    np.testing.assert_allclose(in_single[seen], expected[seen], rtol=1e-4, atol=1e-4)


@every
@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 1e4, 1e37])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_probabilities_sum_to_one_and_the_log_prob_of_a_level_is_its_logit(name, levels, size):
    output = OUTPUTS[name](levels, 4)
    parameters = parameters_of(output, 20, size)
    logits = np.array(output.logits(parameters), "float64")
    assert np.isfinite(logits).all()
    log_probs = logits - logsumexp(logits, axis=-1, keepdims=True)
    if name != "softmax":
        np.testing.assert_allclose(np.exp(logits).sum(axis=-1), 1, atol=1e-6)
    for level in (0, levels // 2, levels - 1):
        got = np.array(output.log_prob(parameters, np.full(20, level, "uint8")))
        np.testing.assert_allclose(got, log_probs[:, level], rtol=1e-5, atol=1e-5)


@every
@pytest.mark.parametrize("shape", [(3,), (2, 3, 4)])
def test_maps_and_pixels_have_the_same_logits(name, shape):
    output = OUTPUTS[name](17, 3)
    parameters = parameters_of(output, int(np.prod(shape)))
    mapped = output.logits(tf.reshape(parameters, (*shape, -1)))
    assert mapped.shape == (*shape, 17)
    np.testing.assert_allclose(tf.reshape(mapped, (-1, 17)), output.logits(parameters), rtol=1e-6, atol=1e-6)


@every
@pytest.mark.parametrize("jit_compile", [False, True])
def test_no_parameter_makes_a_value_or_a_gradient_that_is_not_finite(name, jit_compile):
    output = OUTPUTS[name](17, 2)
    extremes = [0.0, 1.0, -3e38, 3e38, 1e20, -1e20, -90.0, 100.0, 1e-30]
    rng = np.random.default_rng(0)
    if name == "softmax":
        # log P of a softmax is not finite beyond these.
        parameters = rng.choice([x for x in extremes if abs(x) < 1e21], (500, output.features))
    else:
        parameters = np.array(list(itertools.product(extremes, repeat=3)))[:, [0, 0, 1, 1, 2, 2]]
        parameters[:, 1], parameters[:, 3] = 1.0, 0.2
    levels = rng.integers(0, 17, len(parameters)).astype("uint8")

    @tf.function(jit_compile=jit_compile)
    def run(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            values = output.log_prob(parameters, levels)
        return values, tape.gradient(values, parameters), output.logits(parameters)

    for values in run(tf.constant(parameters, "float32")):
        assert np.isfinite(values).all()
    for values in run(tf.constant(np.full_like(parameters, np.nan), "float32"))[::2]:
        assert np.isnan(values).all(), "parameters that are NaN have no likelihood"


@every
def test_the_gradient_is_that_of_differences(name):
    output = OUTPUTS[name](7, 3)
    parameters = parameters_of(output, 7, dtype="float64")
    levels = np.arange(7)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        value = output.log_prob(parameters, levels)
    gradient = np.array(tape.gradient(value, parameters))
    assert (gradient != 0).all()
    for k in range(output.features):
        step = 1e-6 * np.eye(output.features)[k]
        up, down = (np.array(output.log_prob(parameters + sign * step, levels)) for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, k], (up - down) / 2e-6, rtol=1e-5, atol=1e-8)


@every
@pytest.mark.parametrize("dtype", ["int32", "float32", "int64"])
def test_a_number_that_is_no_level_has_no_likelihood(name, dtype):
    output = OUTPUTS[name](3, 2)
    levels = np.array([0, 2, 3, -1, 1_000_000]).astype(dtype)
    got = np.array(output.log_prob(parameters_of(output, 5), tf.constant(levels)))
    assert np.isfinite(got).tolist() == [True, True, False, False, False]
    if dtype == "float32":
        assert np.isnan(output.log_prob(parameters_of(output, 2), tf.constant([0.5, np.nan]))).all()


@every
def test_levels_get_no_gradient(name):
    output = OUTPUTS[name](5, 2)
    levels = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(levels)
        value = output.log_prob(parameters_of(output, 2), levels)
    gradient = tape.gradient(value, levels)
    assert gradient is None or not np.any(gradient)


def test_the_sensitivity_bounds_how_far_logits_move():
    output = LogisticMixture(256, 3)
    parameters = parameters_of(output, 10, size=2.0, dtype="float64")
    logits, bound = np.array(output.logits(parameters)), np.array(output.sensitivity(parameters))
    moved = np.array(output.logits(parameters + 1e-9 * np.eye(9)[4])) - logits  # A mean.
    assert (np.abs(moved) <= 1e-9 * bound + 1e-12).all()
    assert np.abs(moved).max() > 1e-9
    assert Softmax(256).sensitivity(parameters) == 1.0


def test_a_mixture_starts_spread_over_the_levels():
    np.testing.assert_allclose(MixtureBias(2)((12,)), 2 * [0, 0, -0.5, 0.5, -np.log(3), -np.log(3)], rtol=1e-6)
    head = Head(256, 6, 3, output="logistic_mixture")
    head.build((None, 4, 4, 6))
    logits = head.output_distribution.logits(head(np.zeros((1, 4, 4, 6), "float32")))
    assert np.min(logits) > -10, "every level is likely enough to be learned"


def test_colors_have_their_own_parameters():
    head = Head(256, 7, 3, output="logistic_mixture", mixtures=2)
    head.build((None, 4, 4, 7))
    mask = head.logits.mask[0, 0]
    # 7 features of 3 colors are groups of 3, 2 and 2; every color has 6 parameters.
    assert mask.sum(axis=0).tolist() == 6 * [3] + 6 * [5] + 6 * [7]


def test_an_unknown_output_is_refused():
    with pytest.raises(ValueError, match=r"output must be one of \['logistic_mixture', 'softmax'\], got 'sigmoid'"):
        Head(5, 6, 3, output="sigmoid")
    with pytest.raises(ValueError, match="mixtures must be at least 1, got 0"):
        Head(5, 6, 3, output="logistic_mixture", mixtures=0)
