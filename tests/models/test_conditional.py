"""A model given labels: a distribution for every one of them, and none for a number that is no label."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from pixelrnn_tf.compression import model_digest
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.layers import Conditioner, ConditionFormat, GivenMap, LabelEmbedding
from pixelrnn_tf.models import (
    NegativeLogLikelihood,
    PixelRNN,
    class_log_probs,
    classify,
    log_prob,
    negative_log_likelihood,
    predict_classes,
)
from pixelrnn_tf.models.loading import float32_twin
from pixelrnn_tf.sampling import generate
from pixelrnn_tf.training.initialization import start_from
from tests.support.naive import naive_generate
from tests.support.networks import BLOCK_NAMES, all_images, make_network, random_images
from tests.support.noise_intervals import check_intervals
from tests.support.receptive_field import expected_field, field_by_gradient

CLASSES = 3


def labelled(block="pixel_cnn", image_shape=(3, 4, 1), **arguments):
    arguments = {"num_blocks": 1, **arguments}
    return make_network(block, image_shape, conditioner=LabelEmbedding(CLASSES, 4), **arguments)


@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 3), ((1, 2, 3), 2)], ids=["gray", "color"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_probabilities_sum_to_one_for_every_label(block, shape, levels):
    model = labelled(block, shape, levels=levels, scale=0.6)
    images = all_images(shape, levels)
    found = []
    for label in range(CLASSES):
        nats = negative_log_likelihood(images, model([images, np.full(len(images), label)]))
        found.append(np.exp(-np.array(nats, "float64")))
        assert found[-1].sum() == pytest.approx(1.0, abs=1e-5)
    assert not np.allclose(found[0], found[1], rtol=0.1), "labels that change nothing prove nothing"


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_the_receptive_field_is_the_past_and_the_label(block):
    model = labelled(block, (5, 9, 2), num_blocks=2, levels=3, hidden=7, head_hidden=10, dtype="float64")
    expected = expected_field(block, 2, model.image_shape)
    seen = np.zeros_like(expected)
    for seed in range(3):
        seen |= field_by_gradient(model, seed)
    assert not (seen & ~expected).any()
    assert (expected & ~seen).mean() < 0.02, "a ReLU may be dead, but few of them"
    # Every sub-pixel, the first one included, depends on the label.
    scaled = tf.zeros((1, *model.image_shape), "float64")
    maps = [model.condition_map(tf.constant([label]), "float64") for label in (0, 1)]
    logits = [model.logits_of_stem_inputs(scaled, condition_map) for condition_map in maps]
    assert (np.array(logits[0]) != np.array(logits[1])).any(-1).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_images_are_drawn_given_their_labels(block, channels):
    model = labelled(block, (2, 3, channels))
    labels, rng = np.array([0, 1, 2, 2]), np.random.default_rng(0)
    noise = rng.uniform(size=(4, *model.image_shape)).astype("float32")
    drawn, log_prob = generate(model, noise, condition=labels, return_log_prob=True)
    check_intervals(model, drawn, noise, condition=labels)
    assert np.array_equal(drawn, naive_generate(model, noise, condition=labels))
    nats = negative_log_likelihood(drawn, model([drawn, labels]))
    np.testing.assert_allclose(log_prob, -np.array(nats), rtol=1e-5, atol=1e-5)
    known = np.arange(2)[:, None] < np.full((4, 1, 3), 1)
    completed = generate(model, noise, drawn, known, condition=labels)
    assert np.array_equal(completed, drawn), "the same noise, given what it drew"


def test_frequencies_of_tiny_images_are_their_probabilities():
    model = labelled("diagonal_bilstm", (1, 3, 1), levels=2, scale=0.6)
    number, images = 3000, all_images((1, 3, 1), 2)
    for label in range(CLASSES):
        drawn = PixelDistribution(model, label).sample(number, seed=label).numpy().reshape(number, -1)
        counts = np.bincount(drawn @ [4, 2, 1], minlength=8)
        p = np.exp(-np.array(negative_log_likelihood(images, model([images, np.full(8, label)]))))
        assert (np.abs(counts - number * p) <= 4.5 * np.sqrt(number * p * (1 - p)) + 1).all()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_label_out_of_range_has_no_likelihood_in_a_graph(jit_compile):
    model = labelled()
    labels = np.array([2, 3, -1, 0, 2**32 + 1])
    right = (labels >= 0) & (labels < CLASSES)
    images, noise = random_images(model, 5), np.random.default_rng(1).uniform(size=(5, 3, 4, 1)).astype("float32")
    known = np.zeros((5, 3, 4), bool)
    known[:, :2] = True

    @tf.function(jit_compile=jit_compile)
    def run(labels):
        drawn = generate(model, noise, condition=labels, return_log_prob=True)
        kept = generate(model, noise, images, tf.ones_like(known), condition=labels, return_log_prob=True)
        return model([images, labels]), *drawn, *kept

    logits, drawn, log_prob, kept, kept_log_prob = (value.numpy() for value in run(tf.constant(labels)))
    assert np.array_equal(np.isnan(logits).all((1, 2, 3, 4)), ~right)
    assert np.array_equal(np.isnan(logits).any((1, 2, 3, 4)), ~right)
    assert np.array_equal((drawn == -1).all((1, 2, 3)), ~right)
    assert np.array_equal(np.isnan(log_prob), ~right)
    assert np.array_equal(np.isnan(kept_log_prob), ~right)
    assert np.array_equal(kept, images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "condition must hold integers from 0 to 2; got 3"),
        ([-1, 0], "condition must hold integers from 0 to 2; got -1"),
        ([2**32, 0], "integers from 0 to 2; got 4294967296"),
        ([0.0, 1.0], "integers from 0 to 2; got float(32|64)"),
        ([True, False], "integers from 0 to 2; got bool"),
        ([[0], [1]], r"condition must have the shape \(None,\), None being the batch; got \(2, 1\)"),
    ],
)
def test_what_is_no_label_is_an_error(labels, message):
    model, labels = labelled(), np.array(labels)
    images, noise = random_images(model, 2), np.zeros((2, 3, 4, 1), "float32")
    with pytest.raises(ValueError, match=message):
        model([images, labels])
    with pytest.raises(ValueError, match=message):
        generate(model, noise, condition=labels)
    if labels.ndim == 1:
        with pytest.raises(ValueError, match=message):
            PixelDistribution(model, labels)


@pytest.mark.parametrize("value", [2e6, 3e38, -np.inf, np.nan])
def test_a_map_that_would_overflow_has_no_likelihood_and_draws_nothing(value):
    """A ReLU may lose the NaN of an overflow, and the rest would be numbers that look right."""
    model = make_network("pixel_cnn", (3, 3, 1), num_blocks=1, condition_features=2)
    images = random_images(model, 2)
    condition = np.zeros((2, 3, 3, 2), "float32")
    condition[1, 2, 2, 1] = value
    with pytest.raises(ValueError, match=r"condition must hold numbers from -1e\+06 to 1e\+06; got"):
        model([images, condition])
    with pytest.raises(ValueError, match="condition must hold numbers from"):
        generate(model, np.zeros((2, 3, 3, 1), "float32"), condition=condition)
    logits = tf.function(lambda given: model([images, given]))(condition).numpy()
    assert np.isfinite(logits[0]).all()
    assert np.isnan(logits[1]).all()
    noise = np.full((2, 3, 3, 1), 0.5, "float32")
    drawn, log_prob = tf.function(lambda given: generate(model, noise, condition=given, return_log_prob=True))(
        condition
    )
    assert (drawn[0].numpy() >= 0).all()
    assert (drawn[1].numpy() == -1).all()
    assert np.isfinite(log_prob[0])
    assert np.isnan(log_prob[1])


def test_labels_and_images_must_be_as_many():
    with pytest.raises(ValueError, match="All inputs must have the same batch size; got noise 2, condition 3"):
        generate(labelled(), np.zeros((2, 3, 4, 1)), condition=[0, 1, 2])
    for images, labels in (np.zeros((2, 3, 4, 1), "uint8"), [2]), (np.zeros((1, 3, 4, 1), "uint8"), [0, 1, 2]):
        for score in (log_prob, lambda model, *inputs: model(inputs)):
            with pytest.raises(ValueError, match=f"same batch size; got images {len(images)}, condition {len(labels)}"):
                score(labelled(), images, np.array(labels))
    with pytest.raises(ValueError, match="This model has condition_features=4, but for the condition none was"):
        generate(labelled(), np.zeros((2, 3, 4, 1)))


def test_a_list_of_tensors_of_a_graph_is_a_batch():
    model, images = labelled(), np.zeros((2, 3, 4, 1), "uint8")
    graph = tf.function(lambda label: (log_prob(model, images, [label, label]), model([images, [label, label]])))
    scores, logits = graph(tf.constant(1))
    assert np.allclose(scores, log_prob(model, images, [1, 1]))
    assert np.allclose(logits, model([images, np.array([1, 1])]), atol=1e-6)


def test_classes_to_score_are_labels():
    images = np.zeros((2, 3, 4, 1), "uint8")
    scores = np.array(class_log_probs(labelled(), images, [2, 0]))
    assert scores.shape == (2, 2)
    with pytest.raises(ValueError, match="condition must hold integers from 0 to"):
        class_log_probs(labelled(), images, [0.7, 1.2])
    with pytest.raises(ValueError, match=r"labels must have the shape \(None,\)"):
        class_log_probs(labelled(), images, 2)


def test_the_batch_shape_of_a_distribution_is_that_of_the_labels():
    model = labelled()
    distribution = PixelDistribution(model, np.array([[0, 1, 2], [2, 1, 0]]))
    assert distribution.batch_shape == (2, 3)
    assert PixelDistribution(model, 1).batch_shape == ()
    images = distribution.sample(4, seed=0)
    assert images.shape == (4, 2, 3, 3, 4, 1)
    log_prob = distribution.log_prob(images).numpy()
    alone = PixelDistribution(model, 2).log_prob(images[:, 1, 0])
    np.testing.assert_allclose(log_prob[:, 1, 0], alone, rtol=1e-5)
    np.testing.assert_allclose(distribution[1].log_prob(images[:, 1]), log_prob[:, 1], rtol=1e-5)
    assert distribution.complete(images[0], np.ones((3, 4), bool), seed=1).shape == (2, 3, 3, 4, 1)


def test_files_presets_and_twins_keep_the_conditioner(tmp_path):
    model = labelled("row_lstm", dtype="mixed_bfloat16")
    inputs = [random_images(model, 3), np.array([0, 1, 2])]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.conditioner, LabelEmbedding)
    assert loaded.conditioner.dtype_policy.name == "mixed_bfloat16"
    assert np.array_equal(loaded(inputs), model(inputs))
    twin = float32_twin(model)
    assert twin.conditioner.dtype_policy.name == "float32"
    twin.save_to_preset(tmp_path / "preset")
    assert np.array_equal(PixelRNN.from_preset(tmp_path / "preset")(inputs), twin(inputs))
    other = labelled("row_lstm", seed=1)
    start_from(other, tmp_path / "model.keras")
    assert np.array_equal(other(inputs), twin(inputs))
    fewer = PixelRNN(**{**other.get_config(), "conditioner": LabelEmbedding(2, 4), "dtype": "float32"})
    with pytest.raises(ValueError, match=r"another network .*conditioner"):
        start_from(fewer, tmp_path / "model.keras")


def test_fit_lowers_the_loss_of_labels_that_say_it_all():
    model = PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=LabelEmbedding(2, 2))
    labels = np.arange(64) % 2
    images = np.broadcast_to(labels[:, None, None, None], (64, 3, 3, 1)).astype("uint8")
    model.compile(keras.optimizers.Adam(0.05), loss=NegativeLogLikelihood(), jit_compile=False)
    model.fit({"images": images, "condition": labels}, batch_size=16, epochs=15, verbose=0)
    assert model.evaluate([images, labels], verbose=0) < 0.2, "a label tells the first pixel too"


def test_a_config_from_before_conditioners_makes_the_same_model():
    model = make_network("row_lstm", (3, 4, 1), num_blocks=1, condition_features=2)
    config = model.get_config()
    assert config.pop("conditioner") is None
    earlier = PixelRNN.from_config(json.loads(json.dumps(config)))
    earlier.set_weights(model.get_weights())
    inputs = [random_images(model, 2), np.ones((2, 3, 4, 2), "float32")]
    assert np.array_equal(earlier(inputs), model(inputs))
    assert [w.path.partition("/")[2] for w in earlier.weights] == [w.path.partition("/")[2] for w in model.weights]


def test_a_built_conditioner_keeps_its_weights():
    embedding = LabelEmbedding(CLASSES, 4)
    vectors = embedding(np.arange(CLASSES))
    model = PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=embedding)
    assert np.array_equal(model.conditioner(np.arange(CLASSES)), vectors)
    assert model.conditioner is not embedding


@keras.saving.register_keras_serializable(package="tests")
class Brightness(Conditioner):
    """A user's own: one number for an image."""

    def condition_format(self, image_shape):
        return ConditionFormat((), "float32")

    def map_of(self, condition, dtype):
        return ops.cast(ops.stack([condition**k for k in range(self.features)], axis=-1)[:, None, None], dtype)

    def compute_output_shape(self, condition_shape):
        return (condition_shape[0], 1, 1, self.features)


def test_a_conditioner_of_ones_own_needs_nothing_else(tmp_path):
    model = make_network("diagonal_bilstm", (3, 4, 1), num_blocks=1, conditioner=Brightness(3))
    noise, brightness = np.random.default_rng(0).uniform(size=(2, 3, 4, 1)).astype("float32"), np.float32([0.2, -1])
    drawn = generate(model, noise, condition=brightness)
    check_intervals(model, drawn, noise, condition=brightness)
    model.save(tmp_path / "model.keras")
    assert np.array_equal(
        keras.models.load_model(tmp_path / "model.keras")([drawn, brightness]), model([drawn, brightness])
    )


class TooSmall(GivenMap):
    """Its maps are of no use beside other images."""

    def compute_output_shape(self, condition_shape):
        return (None, 2, 2, self.features)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"conditioner": keras.layers.Embedding(3, 4)},
            TypeError,
            "must be a layer that is a .*Conditioner.* Embedding",
        ),
        ({"conditioner": LabelEmbedding(3, 4), "condition_features": 5}, ValueError, "features=5 and .* of 4 features"),
        ({"conditioner": TooSmall(2)}, ValueError, r"makes maps of shape \(None, 2, 2, 2\)"),
        ({"conditioner": LabelEmbedding(10**8, 64)}, ValueError, "at most 2,147,483,648 are allowed"),
    ],
)
def test_a_conditioner_that_does_not_fit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, **arguments)


@pytest.mark.parametrize("arguments", [{"num_classes": 0, "features": 2}, {"num_classes": 2.0, "features": 2}])
def test_wrong_arguments_of_an_embedding_are_named(arguments):
    with pytest.raises(ValueError, match="num_classes must be"):
        LabelEmbedding(**arguments)


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "b"], ["a", "b", ""], ["a", "b", 3], "abc"])
def test_class_names_are_as_many_different_strings_as_classes(names):
    with pytest.raises(ValueError, match="class_names must"):
        LabelEmbedding(3, 2, class_names=names)


def test_class_names_are_saved_with_the_model(tmp_path):
    model = make_network("pixel_cnn", (3, 4, 1), conditioner=LabelEmbedding(3, 4, class_names=("x", "y", "z")))
    assert model.class_names == ("x", "y", "z")
    model.save(tmp_path / "model.keras")
    model.save_to_preset(tmp_path / "preset")
    for loaded in (keras.models.load_model(tmp_path / "model.keras"), PixelRNN.from_preset(tmp_path / "preset")):
        assert loaded.class_names == ("x", "y", "z")
    images = random_images(model, 5)
    expected = [model.class_names[k] for k in np.argmax(classify(model, images), -1)]
    assert predict_classes(model, images) == expected
    # As versions without names wrote them.
    config = model.get_config()
    del config["conditioner"]["config"]["class_names"]
    unnamed = PixelRNN.from_config(config)
    unnamed.set_weights(model.get_weights())
    assert unnamed.class_names is None
    assert predict_classes(unnamed, images) == [str("xyz".index(name)) for name in expected]
    assert model_digest(unnamed) == model_digest(model), "a compressed file does not depend on names"
    assert make_network("pixel_cnn").class_names is None
