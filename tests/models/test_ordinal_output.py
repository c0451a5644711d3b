"""The logistic mixture as the output of whole models: likelihood, training, generation and files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.compression import Codec
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import (
    BitsPerDim,
    MultiScalePixelRNN,
    NegativeLogLikelihood,
    PixelRNN,
    class_log_probs,
    count_parameters,
    log_prob,
    log_prob_by_scale,
    log_prob_map,
    negative_log_likelihood,
)
from pixelrnn_tf.models import image_model as image_model_module
from pixelrnn_tf.sampling import generate
from tests.support.networks import all_images, make_network, random_images, randomize
from tests.support.receptive_field import check_receptive_field

MIXTURE = {"output": "logistic_mixture", "mixtures": 2}


def multi_scale(**arguments):
    return randomize(MultiScalePixelRNN((4, 6, 3), 7, (2, 4), "pixel_cnn", 1, 4, 6, **MIXTURE, **arguments))


@pytest.mark.parametrize("block", ["pixel_cnn", "diagonal_bilstm"])
def test_every_sub_pixel_reads_what_it_may_and_nothing_else(block):
    check_receptive_field(block, 1, (3, 12, 3), **MIXTURE)


@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 3), ((1, 2, 3), 2)])
def test_probabilities_of_all_images_sum_to_one(shape, levels):
    model = make_network("row_lstm", shape, levels=levels, **MIXTURE)
    images = all_images(shape, levels)
    p = np.exp(np.array(log_prob(model, images), "float64"))
    assert p.sum() == pytest.approx(1, abs=1e-5)
    assert p.std() > 0.1 * p.mean()
    np.testing.assert_allclose(np.log(p), -negative_log_likelihood(images, model(images)), rtol=1e-5, atol=1e-5)


def test_every_score_comes_from_the_parameters_and_equals_that_of_the_logits():
    for model in (make_network("pixel_cnn", (4, 5, 3), levels=256, num_blocks=1, **MIXTURE), multi_scale()):
        images = random_images(model, 4)
        terms = np.array(log_prob_map(model, images))
        logits = np.array(keras.ops.log_softmax(model(images)))
        expected = np.take_along_axis(logits, images[..., None].astype(int), axis=-1)[..., 0]
        np.testing.assert_allclose(terms, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            log_prob_by_scale(model, images).numpy().sum(axis=1), terms.sum((1, 2, 3)), rtol=1e-5
        )
    labeled = randomize(PixelRNN((3, 3, 1), 5, "pixel_cnn", 1, 4, 4, conditioner=LabelEmbedding(2, 3), **MIXTURE))
    images = random_images(labeled, 3)
    nats = [negative_log_likelihood(images, labeled([images, np.full(3, label)])) for label in (0, 1)]
    np.testing.assert_allclose(class_log_probs(labeled, images), -np.stack(nats, axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    "levels", [256, pytest.param(2, marks=pytest.mark.slow), pytest.param(17, marks=pytest.mark.slow)]
)
def test_images_are_drawn_completed_and_compressed(levels):
    model = make_network("pixel_cnn", (3, 4, 3), levels=levels, num_blocks=1, **MIXTURE)
    noise = np.random.default_rng(0).random((6, 3, 4, 3))
    drawn, scored = generate(model, noise, return_log_prob=True)
    np.testing.assert_allclose(scored, log_prob(model, drawn), rtol=1e-5, atol=1e-5)
    # The noise of every sub-pixel lies in the interval of its level.
    p = np.array(keras.ops.softmax(model(drawn)), "float64")
    upper = np.take_along_axis(p.cumsum(axis=-1), np.array(drawn)[..., None], axis=-1)[..., 0]
    lower = upper - np.take_along_axis(p, np.array(drawn)[..., None], axis=-1)[..., 0]
    assert ((lower - 1e-5 <= noise) & (noise <= upper + 1e-5)).all()
    known = np.zeros((6, 3, 4), bool)
    known[:, :2] = True
    completed, scored = generate(model, noise, drawn, known, return_log_prob=True)
    assert np.array_equal(completed, drawn)
    np.testing.assert_allclose(scored, log_prob(model, drawn), rtol=1e-5, atol=1e-5)
    codec, images = Codec(model), random_images(model, 5)
    encoded = codec.encode(images)
    assert np.array_equal(codec.decode(encoded.data).images, images)
    np.testing.assert_allclose(encoded.nats, -log_prob(model, images), rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_scores_are_finite(policy):
    model = make_network("row_lstm", (3, 4, 3), levels=256, dtype=policy, **MIXTURE)
    images = random_images(model, 3)
    logits = np.array(model(images))
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()
    got = np.array(log_prob(model, images))
    np.testing.assert_allclose(got, -negative_log_likelihood(images, logits), rtol=1e-5)


def small(output="logistic_mixture"):
    return make_network("pixel_cnn", (3, 4, 3), num_blocks=1, output=output, levels=17)


def forbid_logits(monkeypatch):
    def refuse(self, parameters):
        raise AssertionError("logits were made")

    monkeypatch.setattr(image_model_module.OutputDistribution, "logits", refuse)
    for output in image_model_module.OutputDistribution.__subclasses__():
        monkeypatch.setattr(output, "logits", refuse)


@pytest.mark.parametrize("output", ["softmax", "logistic_mixture"])
@pytest.mark.parametrize("run_eagerly", [True, False])
def test_fit_and_evaluate_make_no_logits(monkeypatch, output, run_eagerly):
    model = small(output)
    images = random_images(model, 8)
    nats = np.array(negative_log_likelihood(images, model(images)))
    weights = np.arange(8.0)
    model.compile(
        "adam",
        NegativeLogLikelihood(),
        metrics=[BitsPerDim()],
        weighted_metrics=[BitsPerDim(name="weighted")],
        run_eagerly=run_eagerly,
        jit_compile=False,
    )
    model.test_on_batch(images)  # Keras builds its metrics from logits.
    forbid_logits(monkeypatch)
    loss, bits, weighted = model.evaluate(images, sample_weight=weights, batch_size=8, verbose=0)
    assert loss == pytest.approx((weights * nats).mean(), rel=1e-5)
    assert bits == pytest.approx(nats.mean() / (36 * np.log(2)), rel=1e-5)
    assert weighted == pytest.approx((weights * nats).sum() / weights.sum() / (36 * np.log(2)), rel=1e-5)
    history = model.fit(images, batch_size=4, epochs=3, verbose=0).history
    assert history["loss"][2] < history["loss"][0]


def test_targets_other_than_the_inputs_are_scored_given_the_inputs():
    model = small()
    images, targets = random_images(model, 4), random_images(model, 4, seed=1)
    model.compile("sgd", NegativeLogLikelihood(), jit_compile=False)
    expected = np.mean(negative_log_likelihood(targets, model(images)))
    assert model.evaluate(images, targets, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_other_losses_and_metrics_get_logits():
    model = small()
    images = random_images(model, 4)

    def likelihood(y_true, y_pred):
        assert y_pred.shape[1:] == (3, 4, 3, 17)
        return negative_log_likelihood(y_true, y_pred)

    expected = np.mean(negative_log_likelihood(images, model(images)))
    model.compile("sgd", likelihood, jit_compile=False)
    assert model.evaluate(images, verbose=0) == pytest.approx(expected, rel=1e-5)
    model.compile("sgd", NegativeLogLikelihood(), metrics=[likelihood], jit_compile=False)
    assert model.evaluate(images, verbose=0) == pytest.approx([expected, expected], rel=1e-5)


@pytest.mark.slow
def test_replicas_train_without_logits(monkeypatch):
    names = [device.name for device in tf.config.list_logical_devices("CPU")][:2]
    if len(names) < 2:
        pytest.skip("needs two logical devices")
    with tf.distribute.MirroredStrategy(names).scope():
        model = small()
        model.compile("sgd", NegativeLogLikelihood(), jit_compile=False)
    images = random_images(model, 4)
    expected = np.mean(negative_log_likelihood(images, model(images)))
    assert model.evaluate(images, batch_size=4, verbose=0) == pytest.approx(expected, rel=1e-5)
    before = model.evaluate(images, batch_size=4, verbose=0)
    forbid_logits(monkeypatch)
    model.fit(images, batch_size=4, epochs=2, verbose=0)
    assert model.evaluate(images, batch_size=4, verbose=0) < before


def test_the_number_of_parameters_and_old_configurations():
    arguments = {
        "image_shape": (32, 32, 3),
        "levels": 256,
        "block": "pixel_cnn",
        "num_blocks": 3,
        "hidden": 48,
        "head_hidden": 96,
    }
    assert count_parameters(**arguments) == 225_696
    assert count_parameters(**arguments, output="logistic_mixture") == 155_565
    small_arguments = {**arguments, "image_shape": (4, 4, 3), "hidden": 4, "head_hidden": 5}
    for output in ("softmax", "logistic_mixture"):
        model = PixelRNN(**small_arguments, output=output, mixtures=3)
        assert model.count_params() == count_parameters(**small_arguments, output=output, mixtures=3)
    config = PixelRNN(**small_arguments).get_config()
    assert (config.pop("output"), config.pop("mixtures")) == ("softmax", 5)
    assert PixelRNN.from_config(config).get_config()["output"] == "softmax"
    with pytest.raises(ValueError, match=r"output must be one of \['logistic_mixture', 'softmax'\], got 'logistic'"):
        PixelRNN(**arguments, output="logistic")


def test_images_get_no_gradient():
    for output in ("softmax", "logistic_mixture"):
        model = small(output)
        images = tf.constant(random_images(model, 2), "float32")
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(images)
            logits, terms = model(images), model.log_prob_of(images, images)
        for values in (logits, terms):
            gradient = tape.gradient(values, images)
            assert gradient is None or not np.any(gradient)
