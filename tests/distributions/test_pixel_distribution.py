"""The joint distribution keeps TensorFlow Probability's contract."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from pixelrnn_tf.distributions import PixelDistribution, stateless_seed
from pixelrnn_tf.evaluation import batched_sampling
from pixelrnn_tf.models import negative_log_likelihood
from tests.support.networks import BLOCK_NAMES, all_images, make_network, random_images


# Shared, so that each is traced once.
@pytest.fixture(scope="module")
def gray():
    return PixelDistribution(make_network("pixel_cnn", (3, 4, 1), num_blocks=1))


@pytest.fixture(scope="module", params=["row_lstm", pytest.param("diagonal_bilstm", marks=pytest.mark.slow)])
def color(request):
    return PixelDistribution(make_network(request.param, (3, 4, 3), num_blocks=1))


@pytest.fixture(scope="module")
def conditioned():
    model = make_network("pixel_cnn", (3, 4, 3), num_blocks=1, condition_features=2)
    condition = np.random.default_rng(0).normal(size=(3, 3, 4, 2)).astype("float32")
    return PixelDistribution(model, condition)


def test_shapes_and_dtypes(color):
    distribution = color
    assert isinstance(distribution, tfp.distributions.Distribution)
    assert distribution.event_shape == (3, 4, 3)
    assert distribution.batch_shape == ()
    assert distribution.dtype == tf.int32
    assert distribution.event_shape_tensor().numpy().tolist() == [3, 4, 3]
    for shape in ((), 2, (2, 1), (0,)):
        images = distribution.sample(shape, seed=1)
        expected = (shape,) if isinstance(shape, int) else shape
        assert images.shape == (*expected, 3, 4, 3)
        assert images.dtype == tf.int32
        assert distribution.log_prob(images).shape == expected


def test_batch_shape_is_that_of_the_condition(conditioned):
    distribution = conditioned
    assert distribution.batch_shape == (3,)
    assert distribution.batch_shape_tensor().numpy().tolist() == [3]
    images = distribution.sample(5, seed=1)
    assert images.shape == (5, 3, 3, 4, 3)
    log_prob = distribution.log_prob(images).numpy()
    assert log_prob.shape == (5, 3)
    logits = distribution.model(
        [tf.reshape(images[:, 1], (5, 3, 4, 3)), tf.tile(distribution.condition[1:2], (5, 1, 1, 1))]
    )
    np.testing.assert_allclose(log_prob[:, 1], -negative_log_likelihood(images[:, 1], logits), rtol=1e-5)
    assert distribution.log_prob(images[0, 0]).shape == (3,), "an image is broadcast over the batch"


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_log_prob_is_minus_the_loss_and_sums_to_one(block):
    model = make_network(block, (2, 2, 1), levels=3)
    images = all_images((2, 2, 1), 3)
    log_prob = PixelDistribution(model).log_prob(images).numpy()
    np.testing.assert_allclose(log_prob, -negative_log_likelihood(images, model(images)), rtol=1e-6)
    assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("seed", [7, np.int64(7), 2**40 + 7, (3, 4)])
def test_a_seed_draws_the_same_images_everywhere(seed, color):
    distribution = color
    images = distribution.sample(4, seed=seed).numpy()
    assert np.array_equal(distribution.sample(4, seed=seed), images)
    assert np.array_equal(tf.function(lambda: distribution.sample(4, seed=seed))(), images)
    assert np.array_equal(distribution.sample(2, seed=seed), images[:2]), "image k depends on the seed and k alone"
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(distribution.sample(4, seed=8), images)


def test_no_seed_draws_new_images(gray):
    assert not np.array_equal(gray.sample(4), gray.sample(4))


def test_seeds_of_python_are_told_apart():
    seeds = [stateless_seed(k).numpy().tolist() for k in (0, 1, -1, 2**32, 2**31)]
    assert seeds == [[0, 0], [0, 1], [-1, -1], [1, 0], [0, -(2**31)]]


def test_sample_and_log_prob_agree(color):
    images, log_prob = color.experimental_sample_and_log_prob((2, 3), seed=(0, 1))
    assert images.shape == (2, 3, 3, 4, 3)
    assert np.array_equal(images, color.sample((2, 3), seed=(0, 1)))
    np.testing.assert_allclose(log_prob, color.log_prob(images), rtol=1e-4)


def test_variables_are_those_of_the_model(color):
    distribution, model = color, color.model
    assert len(distribution.trainable_variables) == len(model.trainable_variables)
    images = random_images(model, 2)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(distribution.log_prob(images))
    assert all(gradient is not None for gradient in tape.gradient(loss, distribution.trainable_variables))


def test_a_condition_that_is_a_variable_stays_one():
    model = make_network("pixel_cnn", (3, 4, 3), num_blocks=1, condition_features=2)
    condition = tf.Variable(tf.zeros((3, 4, 2)))
    distribution = PixelDistribution(model, condition)
    image = random_images(model, 1)[0]
    with tf.GradientTape() as tape:
        before = distribution.log_prob(image)
    assert np.abs(tape.gradient(before, condition)).sum() > 0
    condition.assign_add(tf.ones((3, 4, 2)))
    fresh = PixelDistribution(model, tf.ones((3, 4, 2))).log_prob(image)
    assert distribution.log_prob(image) == fresh != before


def test_copy_and_parameters(conditioned):
    assert set(PixelDistribution.parameter_properties()) == {"condition"}
    twin = conditioned.copy(condition=conditioned.condition[:1])
    assert twin.batch_shape == (1,)
    assert twin.model is conditioned.model


def test_complete_keeps_what_is_known(conditioned):
    distribution = PixelDistribution(make_network("pixel_cnn", (4, 5, 3), num_blocks=1))
    images = random_images(distribution.model, 3)
    known = np.arange(4)[:, None] < [2] * 5
    completed = distribution.complete(images, known, seed=3, sample_shape=4).numpy()
    assert completed.shape == (4, 3, 4, 5, 3)
    assert (completed[:, :, :2] == images[:, :2]).all()
    assert (completed[0, :, 2:] != completed[1, :, 2:]).any()
    assert np.array_equal(completed, distribution.complete(images, known, seed=3, sample_shape=4))
    assert distribution.complete(images[0], known, seed=3).shape == (4, 5, 3)
    cold = distribution.complete(images, known, seed=3, sample_shape=2, temperature=[1.0, 1e-4, 1.0]).numpy()
    assert np.array_equal(cold[:, 0], completed[:2, 0])
    assert np.array_equal(cold[0, 1], cold[1, 1]), "near temperature zero there is one completion"
    one = random_images(conditioned.model, 1)[0]
    assert conditioned.complete(one, np.zeros((3, 4), bool), seed=1).shape == (3, 3, 4, 3), "broadcast over the batch"
    three = random_images(conditioned.model, 3)
    assert conditioned.complete(three, np.ones((3, 4), bool), seed=1).shape == (3, 3, 4, 3)


def test_restore_redraws_what_is_surprising(conditioned):
    distribution = PixelDistribution(make_network("pixel_cnn", (4, 5, 3), num_blocks=1))
    images = random_images(distribution.model, 3)
    restored, redrawn = (x.numpy() for x in distribution.restore(images, 2.0, seed=3))
    assert restored.dtype == "int32"
    assert redrawn.shape == images.shape
    assert 0.1 < redrawn.mean() < 0.9
    assert np.array_equal(restored[~redrawn], images[~redrawn])
    assert (restored != images).any()
    assert np.array_equal(restored, distribution.restore(images, 2.0, seed=3)[0])
    assert np.array_equal(restored[:2], distribution.restore(images[:2], 2.0, seed=3)[0]), "image k depends on k alone"
    assert not np.array_equal(restored, distribution.restore(images, 2.0, seed=4)[0])
    assert np.array_equal(batched_sampling.restore_images(distribution.model, images, 2.0, 3, 2), (restored, redrawn))
    one = distribution.restore(images[0], 2.0, seed=3)[0]
    assert np.array_equal(one, restored[0])
    assert np.array_equal(distribution.restore(images, [2.0, np.inf, 2.0], seed=3)[0][1], images[1])
    one = random_images(conditioned.model, 1)[0]
    restored, redrawn = conditioned.restore(one, 2.0, seed=1)
    assert restored.shape == redrawn.shape == (3, 3, 4, 3), "broadcast over the batch"
    with pytest.raises(ValueError, match="threshold must be a number of bits of at least 0"):
        distribution.restore(images, -1.0)
    with pytest.raises(ValueError, match=r"images must hold images \(..., 4, 5, 3\)"):
        distribution.restore(images[..., 0], 2.0)


def test_errors_name_what_was_given():
    model = make_network("pixel_cnn", (4, 5, 3))
    distribution = PixelDistribution(model, validate_args=True)
    with pytest.raises(ValueError, match=r"value must hold images \(..., 4, 5, 3\); got \(2, 4, 5\)"):
        distribution.log_prob(np.zeros((2, 4, 5), int))
    for wrong in (4, -1, tf.constant(0.5)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"integers in \[0, 4\)"):
            distribution.log_prob(tf.fill((4, 5, 3), wrong))
    with pytest.raises(ValueError, match="condition_features=0"):
        PixelDistribution(model, np.zeros((4, 5, 2)))
    with pytest.raises(ValueError, match=r"known must have the shape"):
        distribution.complete(np.zeros((4, 5, 3), int), np.zeros((4, 5, 3), bool))


@pytest.mark.parametrize(
    "seed",
    [
        np.uint8(3),
        np.array(3),
        tf.constant(3),
        tf.constant(3, tf.int64),
        tf.constant(3, tf.uint64),
        (0, 3),
        [0, 3],
        np.array([0, 3]),
        np.array([0, 3], "uint32"),
        tf.constant([0, 3]),
        tf.constant([0, 3], tf.int64),
    ],
    ids=repr,
)
def test_a_seed_is_what_users_have(seed):
    assert stateless_seed(seed).numpy().tolist() == [0, 3]
    assert stateless_seed(seed).dtype == tf.int32


def test_seeds_of_every_kind_are_the_same_number():
    for number in (-1, 2**40 + 7, -(2**63), 2**63 - 1, -5):
        expected = stateless_seed(number).numpy().tolist()
        assert stateless_seed(np.int64(number)).numpy().tolist() == expected
        assert stateless_seed(tf.constant(number, tf.int64)).numpy().tolist() == expected
    assert stateless_seed(tf.constant(2**64 - 1, tf.uint64)).numpy().tolist() == [-1, -1]
    assert stateless_seed((2**32 - 1, -1)).numpy().tolist() == [-1, -1]
    for wrong in (0.5, "3", True, [1, 2, 3], [[1, 2]], 2**70, (2**32, 0), tf.constant(1.0)):
        with pytest.raises(ValueError, match=r"seed must|of a seed"):
            stateless_seed(wrong)


def test_sample_takes_tensors_as_seeds_and_a_temperature(gray, conditioned):
    distribution = gray
    images = distribution.sample(3, seed=3).numpy()
    assert np.array_equal(distribution.sample(3, seed=tf.constant(3)), images)
    assert np.array_equal(distribution.sample(3, seed=3, temperature=1.0), images)
    cold = distribution.sample(3, seed=3, temperature=1e-4).numpy()
    assert (cold == cold[0]).all(), "near temperature zero there is one image"
    drawn, log_prob = distribution.experimental_sample_and_log_prob(3, seed=3, temperature=1e-4)
    assert np.array_equal(drawn, cold)
    np.testing.assert_allclose(log_prob, distribution.log_prob(cold), rtol=1e-4)
    with pytest.raises(ValueError, match="temperature must be"):
        distribution.sample(3, temperature=0.0)
    one_by_one = conditioned.sample(2, seed=1, temperature=[1.0, 1e-4, 1.0]).numpy()
    assert np.array_equal(one_by_one[:, 0], conditioned.sample(2, seed=1)[:, 0])
    assert np.array_equal(one_by_one[0, 1], one_by_one[1, 1])


def test_complete_takes_masks_of_every_kind(gray):
    images = random_images(gray.model, 2)
    known = np.arange(3)[:, None] < [2] * 4
    expected = gray.complete(images, known, seed=3).numpy()
    numbers = known.astype("uint8")
    for mask in (known.tolist(), numbers, numbers.tolist(), 255 * numbers, tf.constant(numbers), numbers * 1.0):
        assert np.array_equal(gray.complete(images.tolist(), mask, seed=3), expected)


@pytest.mark.parametrize("run", ["eager", "graph", "xla"])
def test_numbers_that_are_no_levels_have_the_same_answer_everywhere(run):
    model = make_network("pixel_cnn", (2, 3, 1), num_blocks=1)
    distribution = PixelDistribution(model)
    log_prob = distribution.log_prob
    if run != "eager":
        log_prob = tf.function(log_prob, jit_compile=run == "xla")
    images = np.zeros((5, 2, 3, 1), "float32")
    images[1, 1, 2, 0], images[2, 0, 0, 0], images[3, 0, 1, 0] = 4, -1, np.nan
    for dtype in ("float32", "int32"):
        some = images if dtype == "float32" else images[[0, 1, 2, 4]].astype(dtype)
        got = log_prob(tf.constant(some)).numpy()
        assert np.isnan(got).tolist() == [False, *[True] * (len(some) - 2), False]
    images[4, 0, 0, 0] = 0.5
    if run == "eager":
        with pytest.raises(ValueError, match=r"value must hold integer levels.*got 0\.5"):
            log_prob(images)
        with pytest.raises(ValueError, match=r"images must hold integer levels.*got 0\.5"):
            distribution.complete(images, np.ones((2, 3)))
    else:
        assert np.isnan(log_prob(tf.constant(images)).numpy()).tolist() == [False, True, True, True, True]


@pytest.mark.parametrize("statistic", ["mean", "mode", "variance", "stddev", "covariance", "entropy"])
def test_statistics_it_has_not_say_what_to_use(statistic, gray):
    with pytest.raises(NotImplementedError, match=r"no closed-form.*Estimate them from images"):
        getattr(gray, statistic)()
    with pytest.raises(NotImplementedError, match="no closed-form"):
        gray.cdf(np.zeros((3, 4, 1), "int32"))


def test_a_model_of_another_type_is_named():
    with pytest.raises(TypeError, match=r"takes a pixelrnn_tf\.PixelRNN, got a keras Sequential"):
        PixelDistribution(keras.Sequential())
    with pytest.raises(TypeError, match="got a builtins str"):
        PixelDistribution("mnist_diagonal_bilstm_7x16")
