"""What is called eagerly runs as a graph: one for every number of images, of the weights of the moment, and mortal."""

import copy
import gc
import pickle
import resource
import sys
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.models import PixelRNN, log_prob, log_prob_map, negative_log_likelihood
from pixelrnn_tf.sampling import generate, generation
from tests.support.networks import BLOCK_NAMES, make_network, random_images, randomize

SHAPE = (3, 4, 1)


def small(block="pixel_cnn", image_shape=SHAPE, **arguments):
    return make_network(block, image_shape, num_blocks=1, **arguments)


@pytest.fixture
def traces(monkeypatch):
    """Grows by one whenever the network is put together anew, which is what takes long."""
    made = []

    class Counted(generation.IncrementalNetwork):
        def __init__(self, *arguments):
            made.append("generate")
            super().__init__(*arguments)

    monkeypatch.setattr(generation, "IncrementalNetwork", Counted)
    return made


def count_calls(monkeypatch):
    calls = []
    run = PixelRNN.output_parameters
    monkeypatch.setattr(PixelRNN, "output_parameters", lambda *given: calls.append("call") or run(*given))
    return calls


def test_every_number_of_images_and_every_distribution_share_one_graph(traces, monkeypatch):
    model, calls = small(), count_calls(monkeypatch)
    for n in (1, 2, 5, 3):
        for seed in (0, (1, 2), tf.constant(3)):
            images = PixelDistribution(model).sample(n, seed=seed, temperature=1.0 + n)
            assert PixelDistribution(model).log_prob(images).shape == (n,)
            assert PixelDistribution(model).log_prob(images.numpy().astype("uint8")).shape == (n,)
    assert traces == ["generate"]
    assert calls == ["call"]
    distribution = PixelDistribution(model)
    none = distribution.sample(0, seed=0)
    assert none.shape == (0, *SHAPE)
    assert none.dtype == tf.int32
    assert distribution.log_prob(none).shape == (0,)
    for n in (1, 4):
        distribution.complete(random_images(model, n), np.ones((3, 4)), seed=n)
        distribution.experimental_sample_and_log_prob(n, seed=n)
    assert len(traces) == 3, "one more for completions, one more for images with their log-probability"


def _fit(model, images):
    model.compile(keras.optimizers.SGD(0.01), loss=negative_log_likelihood)
    model.fit(images, epochs=2, verbose=0)


def test_a_model_dies_with_all_that_was_compiled_for_it():
    model = small("diagonal_bilstm")
    generate(model, np.zeros((1, *SHAPE)), return_log_prob=True)
    log_prob(model, random_images(model, 2))
    alive = [weakref.ref(model), *(weakref.ref(weight.value) for weight in model.weights)]
    del model
    gc.collect()
    assert [reference() for reference in alive] == [None] * len(alive)


def test_changed_weights_are_seen(tmp_path):
    model, other = small(), small(seed=1, scale=1.0)
    other.save_weights(tmp_path / "other.weights.h5")
    images, noise = random_images(model, 4), np.random.default_rng(0).uniform(size=(4, *SHAPE))
    drawn = generate(model, noise)
    changes = {
        "assign": lambda: randomize(model, seed=2, scale=1.0),
        "load_weights": lambda: model.load_weights(tmp_path / "other.weights.h5"),
        "fit": lambda: _fit(model, images),
        "set_weights": lambda: model.set_weights(other.get_weights()),
    }
    for name, change in changes.items():
        before = log_prob(model, images)
        change()
        assert np.abs(log_prob(model, images) - before).max() > 0.1, name
        np.testing.assert_allclose(log_prob(model, images), -negative_log_likelihood(images, model(images)), rtol=1e-5)
    assert np.array_equal(generate(model, noise), generate(other, noise))
    assert not np.array_equal(generate(model, noise), drawn)


@pytest.mark.parametrize("block", BLOCK_NAMES)
@pytest.mark.parametrize(("channels", "condition_features"), [(1, 0), (3, 2)])
def test_the_map_sums_to_log_prob(block, channels, condition_features):
    model = small(block, (3, 4, channels), condition_features=condition_features)
    images = random_images(model, 3)
    condition = np.random.default_rng(1).normal(size=(3, 3, 4, 2)).astype("float32") if condition_features else None
    terms = log_prob_map(model, images, condition)
    assert terms.shape == images.shape
    assert terms.dtype == tf.float32
    logits = model(images if condition is None else [images, condition])
    expected = np.take_along_axis(np.array(tf.nn.log_softmax(logits)), images[..., None].astype(int), -1)[..., 0]
    np.testing.assert_allclose(terms, expected, atol=1e-5)
    np.testing.assert_allclose(tf.reduce_sum(terms, (1, 2, 3)), log_prob(model, images, condition), rtol=1e-5)
    distribution = PixelDistribution(model, condition)
    np.testing.assert_allclose(distribution.log_prob(images), log_prob(model, images, condition), rtol=1e-6)


def test_integers_of_every_width_and_numbers_that_are_no_levels():
    model = small()
    images = random_images(model, 2)
    expected = log_prob(model, images).numpy()
    for dtype in ("int8", "uint16", "uint32", "int64", "uint64", "float32", "float64"):
        assert np.array_equal(log_prob(model, images.astype(dtype)), expected), dtype
    for wrong, dtype in ((4, "uint8"), (-1, "int64"), (2**32, "int64"), (2**63, "uint64"), (np.nan, "float32")):
        given = images.astype(dtype)
        given[0, 1, 2, 0] = wrong
        assert np.isnan(log_prob(model, given)).tolist() == [True, False], wrong
    with pytest.raises(ValueError, match="images must hold integer levels"):
        log_prob_map(model, images + 0.5)
    with pytest.raises(ValueError, match=r"images must have the shape \(None, 3, 4, 1\)"):
        log_prob_map(model, images[:, :2])


@pytest.mark.parametrize("block", ["row_lstm", pytest.param("diagonal_bilstm", marks=pytest.mark.slow)])
def test_gradients_are_those_of_a_users_own_graph(block):
    model = small(block)
    images, variables = tf.constant(random_images(model, 3)), model.trainable_variables

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(PixelDistribution(model).log_prob(images))
        return tape.gradient(loss, [variable.value for variable in variables])

    for a, b in zip(gradients(), tf.function(gradients)(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
def test_dtype_policies(policy):
    model = small(dtype=policy)
    images = random_images(model, 3)
    assert log_prob(model, images).dtype == tf.float32
    expected = -negative_log_likelihood(images, model(images))
    np.testing.assert_allclose(log_prob(model, images), expected, rtol=1e-6 if policy == "float64" else 2e-2)
    noise = np.random.default_rng(0).uniform(size=(3, *SHAPE))
    assert generate(model, noise, dtype="float64").dtype == tf.int32


def test_replicas_score_and_draw_as_one_device_does():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())
    with strategy.scope():
        model = small()
    images = random_images(model, 3)
    expected = -negative_log_likelihood(images, model(images)).numpy()
    np.testing.assert_allclose(log_prob(model, images), expected, rtol=1e-5)
    with strategy.scope():
        np.testing.assert_allclose(log_prob(model, images), expected, rtol=1e-5)
        for run in (strategy.run, tf.function(strategy.run)):
            for on_replica in strategy.experimental_local_results(run(lambda: log_prob(model, images))):
                np.testing.assert_allclose(on_replica, expected, rtol=1e-5)
    drawn = PixelDistribution(model).sample(2, seed=1)
    with strategy.scope():
        for on_replica in strategy.experimental_local_results(
            strategy.run(lambda: PixelDistribution(model).sample(2, seed=1))
        ):
            assert np.array_equal(on_replica, drawn)


def test_a_model_that_has_drawn_is_copied_pickled_saved_and_exported_as_before(tmp_path):
    model = small()
    images = random_images(model, 2)
    expected = log_prob(model, images).numpy()
    drawn = PixelDistribution(model).sample(3, seed=1).numpy()
    model.save(tmp_path / "model.keras")
    twins = [
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        keras.models.load_model(tmp_path / "model.keras"),
    ]
    for twin in twins:
        assert np.array_equal(log_prob(twin, images), expected)
        assert np.array_equal(PixelDistribution(twin).sample(3, seed=1), drawn)
    randomize(twins[0], seed=3)
    assert not np.array_equal(log_prob(twins[0], images), expected)
    assert np.array_equal(log_prob(model, images), expected), "twins share nothing"
    assert set(small()._trackable_children("savedmodel")) == set(model._trackable_children("savedmodel"))


@pytest.mark.slow
def test_memory_stays_flat_over_a_thousand_calls():
    model = small("diagonal_bilstm")
    unit = 1024 if sys.platform != "darwin" else 1

    def run(calls):
        for n in calls:
            PixelDistribution(model).log_prob(PixelDistribution(model).sample(n % 40, seed=n))
        gc.collect()
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = run(range(200))
    assert run(range(1000)) - before < 4 * 2**20
