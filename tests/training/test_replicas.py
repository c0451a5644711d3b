"""Several replicas on virtual CPUs compute what one device does."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_cli import train_config as config
from pixelrnn_tf import data as images
from pixelrnn_tf.devices import strategies as devices
from pixelrnn_tf.evaluation import scoring
from pixelrnn_tf.models import BitsPerDim, NegativeLogLikelihood, PixelRNN
from pixelrnn_tf.training import run as training_run
from tests.support.networks import BLOCK_NAMES, make_network, randomize
from tests.support.training_runs import TINY, opened, state, steps, tiny_config

STEPS = 5


def cpus(number):
    return config.DistributionConfig("mirrored", num_devices=number, num_virtual_devices=number)


def replicas(number):
    if number == 1:
        return tf.distribute.get_strategy()
    return devices.make_strategy(cpus(number))


def trained(number, workdir, **changes):
    """Losses and norms of a few steps, and weights, averages and optimizer variables after them."""
    run = tiny_config(**{"batch_size": 24, "global_clipnorm": 5.0, "learning_rate": 0.02, **changes})
    training = opened(run, workdir / f"{number}", replicas(number))
    results = list(training.queue.run(STEPS, lambda: (False, False)))
    return np.array([result[:2] for result in results]), state(training)


@pytest.mark.parametrize(("optimizer", "tolerance"), [("sgd", 1e-5), ("adam", 1e-4), ("muon", 1e-4)])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_two_replicas_equal_one(block, optimizer, tolerance, tmp_path):
    # XLA takes long to compile: it is tried with Adam alone, and where "auto" chooses it.
    jit_compile = "auto" if optimizer == "adam" else "false"
    changes = {"model": {**TINY, "block": block}, "optimizer": optimizer, "jit_compile": jit_compile}
    one, one_state = trained(1, tmp_path, **changes)
    two, two_state = trained(2, tmp_path, **changes)
    assert (one[:, 1] > 5.0).all(), "the clip must act in every step"
    np.testing.assert_allclose(two, one, rtol=1e-5)
    for a, b in zip(two_state, one_state, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


def test_replicas_in_float16_share_one_loss_scale(tmp_path):
    results = {}
    for number in (1, 2):
        run = tiny_config(batch_size=24, optimizer="sgd", learning_rate=0.02, dtype_policy="mixed_float16")
        training = opened(run, tmp_path / f"{number}", replicas(number))
        training.loss_scale.scale.assign(2.0**20)
        losses = [loss for loss, *_ in steps(training, STEPS)]
        local = training.strategy.experimental_local_results
        copies = local(training.loss_scale.scale)
        assert len(copies) == number
        assert len({float(copy) for copy in copies}) == 1
        assert 1 < float(copies[0]) < 2.0**20, "it overflowed, and found a scale that does not"
        done, good = (local(value)[0] for value in (training.step.step, training.loss_scale.good_steps))
        assert int(good) <= STEPS == int(done)
        for weight in training.model.weights:
            values = local(weight.value)
            assert all(np.array_equal(value, values[0]) for value in values)
        results[number] = losses, state(training)
    np.testing.assert_allclose(results[2][0], results[1][0], rtol=2e-3)
    for a, b in zip(results[2][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (1, {"gradient_accumulation_steps": 3, "dropout": 0.3, "model": {**TINY, "block": "pixel_cnn"}}),
        (1, {"gradient_accumulation_steps": 2, "optimizer": "sgd", "model": {**TINY, "block": "pixel_cnn"}}),
        (1, {"gradient_accumulation_steps": 3, "dropout": 0.3}),
        (1, {"gradient_accumulation_steps": 3, "dropout": 0.3, "jit_compile": "auto"}),
        # Adam's first step is the sign of a gradient, also of one that is nothing but rounding.
        (3, {"gradient_accumulation_steps": 2, "optimizer": "sgd", "jit_compile": "true"}),
        (3, {"ema_decay": 0.0, "schedule": "cosine", "warmup_steps": 2, "dropout": 0.3, "jit_compile": "auto"}),
    ],
    ids=str,
)
def test_parts_of_a_batch_add_up_to_it(number, changes, tmp_path):
    whole, whole_state = trained(
        1, tmp_path / "whole", **{**changes, "gradient_accumulation_steps": 1, "jit_compile": "false"}
    )
    parts, parts_state = trained(number, tmp_path / "parts", **changes)
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    for a, b in zip(parts_state, whole_state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize(("number", "batch_size"), [(2, 1), (2, 7), (3, 100), (3, 64)])
def test_every_image_counts_once_whatever_the_replicas(number, batch_size):
    data = images.load("digits")
    expected = scoring.Evaluator(make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1), 60).score(data, "test")
    strategy = replicas(number)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1)
        evaluator = scoring.Evaluator(model, batch_size)
    score = evaluator.score(data, "test")
    assert score.images == expected.images == 180
    assert score.nats_per_image == pytest.approx(expected.nats_per_image, rel=1e-6)
    assert score.standard_error == pytest.approx(expected.standard_error, rel=1e-5)
    assert evaluator.score(data, "test", limit=11).images == 11


def test_a_run_goes_on_with_another_number_of_replicas(tmp_path):
    run = tiny_config(steps=6, eval_every=3, batch_size=24, jit_compile="auto")
    straight = training_run.train(run, tmp_path / "straight")
    for until, number in ((3, 1), (6, 2)):
        where = cpus(number) if number > 1 else config.DistributionConfig()
        changed = dataclasses.replace(run, steps=until, distribution=where)
        scores = training_run.train(changed, tmp_path / "changed")
    for split, score in straight.items():
        assert scores[split].nats_per_image == pytest.approx(score.nats_per_image, rel=1e-5)


def test_fit_trains_on_several_replicas_as_on_one():
    data = images.load("digits")
    pairs = data.train_batches(32, seed=0).map(lambda x: (x, x))
    histories, weights = [], []
    for number in (1, 2):
        with replicas(number).scope():
            keras.utils.set_random_seed(0)
            model = randomize(PixelRNN((8, 8, 1), 17, "row_lstm", 1, 4, 4))
            model.compile(keras.optimizers.SGD(0.01), loss=NegativeLogLikelihood(), metrics=[BitsPerDim()])
        histories.append(model.fit(pairs, epochs=2, steps_per_epoch=6, shuffle=False, verbose=0).history)
        weights.append(model.get_weights())
    for key in ("loss", "bits_per_dim"):
        assert len(histories[0][key]) == 2
        np.testing.assert_allclose(histories[1][key], histories[0][key], rtol=1e-5)
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(("number", "batch_size"), [(7, 4), (5, 2), (1, 4), (3, 4), (2, 1)])
def test_fit_refuses_batches_that_replicas_cannot_share_evenly(number, batch_size):
    """Keras would average the means of unequal shares of the last batch: another gradient, and no error."""
    pixels = np.zeros((number, 3, 3, 1), "uint8")
    with replicas(2).scope():
        model = make_network("pixel_cnn", (3, 3, 1))
        model.compile(keras.optimizers.SGD(0.01), loss=NegativeLogLikelihood())
    with pytest.raises(ValueError, match=r"fit on 2 replicas needs batches of equal size, a multiple of 2, .*equally"):
        model.fit(pixels, pixels, batch_size=batch_size, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "mirrored", "num_devices": 8}, "needs at least 8 devices, but this machine has"),
        ({"strategy": "mirrored", "num_virtual_devices": 9}, "can no longer be split into 9 devices"),
        ({"strategy": "tpu"}, "There is no TPU on this machine"),
        ({"strategy": "multi_worker"}, "needs a cluster: pass --cluster"),
        (
            {"strategy": "mirrored", "cluster": ("a:1",), "task_index": 0},
            "--cluster requires --strategy=multi_worker",
        ),
        ({"strategy": "multi_worker", "cluster": ("a:1", "b:1")}, "--cluster and --task_index require each other"),
        ({"strategy": "multi_worker", "cluster": ("a:1",), "task_index": 1}, "must be from 0 to 0"),
        ({"strategy": "multi_worker", "cluster": ("a", "b"), "task_index": 0}, "must be HOST:PORT, got 'a'"),
        ({"num_virtual_devices": 2}, "--num_virtual_devices requires --strategy=mirrored, got --strategy=none"),
        ({"strategy": "ring"}, "must be one of none, mirrored, multi_worker, tpu, got 'ring'"),
    ],
    ids=str,
)
def test_devices_that_are_not_there_are_named(arguments, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match=message):
        devices.make_strategy(config.DistributionConfig(**arguments))


def test_a_batch_that_cannot_be_split_evenly_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a multiple of 2 replicas x 3 parts .* got 32. Use 36"):
        opened(tiny_config(gradient_accumulation_steps=3), tmp_path, replicas(2))
