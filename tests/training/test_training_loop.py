"""The training loop, its checkpoints and its scores, in this process, on the embedded digits."""

import dataclasses
import os
import pathlib
import signal

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf import data as images
from pixelrnn_tf.devices import strategies as devices
from pixelrnn_tf.evaluation import scoring
from pixelrnn_tf.models import NegativeLogLikelihood
from pixelrnn_tf.training import ema as weight_average
from pixelrnn_tf.training import journal, step_queue, workdir
from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training.stop_signals import StopRequest
from pixelrnn_tf.training.trainer import Trainer
from tests.support.networks import BLOCK_NAMES, make_network
from tests.support.training_runs import QUICK, TINY, assert_same_state, one_update, opened, state, tiny_config

# With XLA, what is asserted of single steps is asserted again among the slow proofs.
with_and_without_xla = pytest.mark.parametrize("jit_compile", ["false", "auto"])
NETWORK = {"false": QUICK, "auto": TINY}  # XLA compiles recurrences.


# A signal at step 20 comes before its evaluation.
@pytest.mark.parametrize(("how", "last"), [("SIGTERM", 17), ("SIGTERM", 20), ("end of the run", 17)])
def test_a_resumed_run_equals_one_that_was_not_interrupted(tmp_path, monkeypatch, how, last):
    run = tiny_config(jit_compile="auto")
    training_run.train(run, tmp_path / "straight")
    if how == "SIGTERM":
        monkeypatch.setattr(step_queue, "IN_FLIGHT", 0)
        original = Trainer._votes

        def signalled(self, stop):
            votes = original(self, stop)
            if self.queue.started == last - 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return votes

        # The signal comes in a step after its votes: all hear of it with the result of the next one.
        monkeypatch.setattr(Trainer, "_votes", signalled)
        assert training_run.train(run, tmp_path / "resumed") is None
        monkeypatch.undo()
    else:
        training_run.train(dataclasses.replace(run, steps=17), tmp_path / "resumed")
    assert opened(run, tmp_path / "resumed").progress.step == last
    training_run.train(run, tmp_path / "resumed")
    straight, resumed = (opened(run, tmp_path / name) for name in ("straight", "resumed"))
    assert resumed.progress.step == straight.progress.step == 30
    assert_same_state(straight, resumed)
    if how == "SIGTERM":
        evaluations = [
            [(line["step"], line["validation_nats_per_image"]) for line in lines if "validation_images" in line]
            for lines in (journal.metrics_in(tmp_path / name / "metrics.jsonl") for name in ("straight", "resumed"))
        ]
        assert evaluations[0] == evaluations[1]
        assert [step for step, _ in evaluations[0]] == [0, 10, 20, 30]


@with_and_without_xla
def test_a_checkpoint_holds_every_variable(jit_compile, tmp_path):
    run = tiny_config(dtype_policy="mixed_float16", ema_decay=0.5, jit_compile=jit_compile)
    training = opened(run, tmp_path)
    fresh = state(training)
    list(training.queue.run(3, lambda: (False, False)))
    training.progress.step = 3
    saved = state(training)
    # The average of the initial states of the LSTM, which begin at 0, too.
    assert all((a != b).any() for a, b in zip(saved, fresh, strict=True))
    scale = float(training.loss_scale.value())
    training.save()
    training = opened(run, tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(state(training), saved, strict=True))
    assert int(training.step.step) == training.progress.step == 3
    assert float(training.loss_scale.value()) == scale
    assert int(training.loss_scale.good_steps) == 3


def test_a_finished_run_gets_its_curve_later_and_needs_no_average(tmp_path):
    run = tiny_config(model=QUICK, steps=4, eval_every=2, ema_decay=0)
    training_run.train(run, tmp_path)
    (tmp_path / "curve.png").unlink()
    training_run.train(run, tmp_path)
    assert (tmp_path / "curve.png").is_file()
    finished = opened(run, tmp_path)
    assert all(
        np.array_equal(a, b) for a, b in zip(finished.average.model.weights, finished.model.weights, strict=True)
    )


def test_a_finished_run_is_not_evaluated_again(tmp_path):
    first = training_run.train(tiny_config(), tmp_path)
    metrics = (tmp_path / "metrics.jsonl").read_text()
    assert training_run.train(tiny_config(), tmp_path) == first
    assert (tmp_path / "metrics.jsonl").read_text() == metrics


def test_a_workdir_of_another_configuration_is_refused(tmp_path):
    opened(tiny_config(steps=1), tmp_path)._introduce()
    workdir.check_workdir(tmp_path, tiny_config(steps=99))
    with pytest.raises(ValueError, match=r"batch_size: 32 there, 16 now; learning_rate: 0.001 there, 0.01 now"):
        workdir.check_workdir(tmp_path, tiny_config(batch_size=16, learning_rate=0.01))


@pytest.mark.parametrize(
    "change", [{"batch_size": 5000}, {"ema_decay": 1.0}, {"model": {**TINY, "hidden": 0}}], ids=str
)
def test_a_configuration_that_does_not_fit_leaves_nothing_behind(change, tmp_path):
    with pytest.raises(ValueError, match=r"5000|1\.0|hidden must be an integer of at least 1"):
        training_run.train(tiny_config(**change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@with_and_without_xla
def test_a_step_that_is_not_finite_changes_nothing_and_stops_the_run(jit_compile, tmp_path):
    training = opened(tiny_config(model=NETWORK[jit_compile], jit_compile=jit_compile), tmp_path)
    batches = list(training.data.train_batches(32, 0).take(2))
    training.model.weights[-1].assign(np.full(17, np.inf))
    before = state(training)
    loss, norm, updated = one_update(training, batches[0], 0)
    assert not (np.isfinite(loss) and np.isfinite(norm))
    assert not updated
    # A step that was started before this was known does nothing, sound as it may be.
    training.model.weights[-1].assign(np.zeros(17))
    loss, norm, updated = one_update(training, batches[1], 1)
    assert np.isfinite(loss)
    assert not updated
    training.model.weights[-1].assign(np.full(17, np.inf))
    assert all(np.array_equal(a, b) for a, b in zip(before, state(training), strict=True))
    with pytest.raises(FloatingPointError, match=r"The loss after step 0 is (nan|inf)"):
        training.run(StopRequest())


@with_and_without_xla
def test_no_checkpoint_is_made_of_a_broken_state(jit_compile, tmp_path):
    changes = {"learning_rate": 1e30, "global_clipnorm": 0.0, "eval_every": 1}
    run = tiny_config(model=NETWORK[jit_compile], jit_compile=jit_compile, **changes)
    message = r"At step 1: The validation score of \d+ of 50 images is not finite\. The last good state"
    with pytest.raises(FloatingPointError, match=message):
        training_run.train(run, tmp_path)
    assert opened(run, tmp_path).progress.step == 0


@with_and_without_xla
@pytest.mark.parametrize("global_clipnorm", [0.0, 0.5])
def test_one_step_is_clipped_gradient_descent_on_the_mean_loss(global_clipnorm, jit_compile, tmp_path):
    changes = {"global_clipnorm": global_clipnorm, "optimizer": "rmsprop", "learning_rate": 0.01}
    run = tiny_config(model=NETWORK[jit_compile], jit_compile=jit_compile, **changes)
    training = opened(run, tmp_path)
    batch = next(iter(training.data.train_batches(32, 0)))
    with tf.GradientTape() as tape:
        loss = NegativeLogLikelihood()(batch, training.model(batch))
    gradients = tape.gradient(loss, training.model.trainable_variables)
    norm = float(tf.linalg.global_norm(gradients))
    factor = min(1.0, global_clipnorm / norm) if global_clipnorm else 1.0
    assert norm > 0.5, "the clip must act"
    before = training.model.get_weights()
    got_loss, got_norm, updated = one_update(training, batch, 0)
    assert [float(got_loss), float(got_norm)] == pytest.approx([float(loss), norm], rel=1e-5)
    assert updated
    # RMSProp's first step: the mean square is 0.1 g^2.
    for weight, start, gradient in zip(training.model.weights, before, gradients, strict=True):
        g = factor * gradient.numpy()
        np.testing.assert_allclose(start - weight.numpy(), 0.01 * g / np.sqrt(0.1 * g**2 + 1e-7), atol=1e-5)


def test_the_weight_average_follows_its_formula():
    model = make_network("pixel_cnn")
    average = weight_average.ExponentialMovingAverage(model, decay=0.5)
    expected = model.weights[0].numpy().astype("float64")
    for t in range(1, 12):
        model.weights[0].assign(np.full(model.weights[0].shape, float(t)))
        average.update(tf.constant(t))
        decay = min(0.5, (1 + t) / (10 + t))
        expected = decay * expected + (1 - decay) * t
    np.testing.assert_allclose(average.model.weights[0], expected, rtol=1e-5)
    mixed = weight_average.ExponentialMovingAverage(make_network("pixel_cnn", dtype="mixed_bfloat16"), decay=0.5)
    assert mixed.model.compute_dtype == "float32"
    with pytest.raises(ValueError, match=r"must be in \[0, 1\), got 1.0"):
        weight_average.ExponentialMovingAverage(model, decay=1.0)


def test_a_score_that_is_not_finite_is_an_error_and_one_image_has_no_standard_error():
    model, data = make_network("pixel_cnn", (8, 8, 1), levels=17), images.load("digits")
    one = scoring.Evaluator(model).score(data, "test", limit=1)
    assert (one.standard_error, one.images) == (None, 1)
    assert "(standard error unknown)" in str(one)
    model.weights[-1].assign(np.full(17, np.nan))
    with pytest.raises(FloatingPointError, match=r"The test score of 180 of 180 images is not finite"):
        scoring.Evaluator(model).score(data, "test")


def test_a_wrong_model_for_the_data_is_named():
    model = make_network("pixel_cnn", (8, 8, 1), levels=2)
    with pytest.raises(ValueError, match=r"\(8, 8, 1\) with 2 levels, but .*\(8, 8, 1\) with 17 levels"):
        scoring.Evaluator(model).score(images.load("digits"), "test")


@pytest.mark.parametrize("block", ["pixel_cnn", "diagonal_bilstm"])
@pytest.mark.parametrize("batch_size", [1, 7, 100, 300])
def test_the_score_does_not_depend_on_the_batch_size(batch_size, block):
    model, data = make_network(block, (8, 8, 1), levels=17), images.load("digits")
    expected = scoring.Evaluator(model, 60).score(data, "test")
    got = scoring.Evaluator(model, batch_size).score(data, "test")
    assert got.images == expected.images == 180
    assert got.nats_per_image == pytest.approx(expected.nats_per_image, rel=1e-6)
    assert scoring.Evaluator(model, batch_size).score(data, "test", limit=5).images == 5


def test_metrics_after_the_step_gone_on_from_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    journal.MetricsFile(path, 2).write(step=3, again=True)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n{"step": 3, "again": true}\n'


def test_xla_compiles_recurrences_and_on_the_cpu_no_pixel_cnn_unless_told():
    rule = {block: devices.uses_xla("auto", block) for block in BLOCK_NAMES}
    assert rule == {"row_lstm": True, "diagonal_bilstm": True, "pixel_cnn": False}
    assert devices.uses_xla("true", "pixel_cnn")
    assert not devices.uses_xla("false", "row_lstm")


def test_the_way_from_train_to_the_gradient_is_short(tmp_path, monkeypatch):
    class ReachedError(Exception):
        pass

    def fail(*_):
        raise ReachedError

    monkeypatch.setattr("pixelrnn_tf.training.gradients.nats_per_image", fail)
    with pytest.raises(ReachedError) as raised:
        training_run.train(tiny_config(model=QUICK), tmp_path)
    ours = [str(entry.path) for entry in raised.traceback if "pixelrnn_tf" in pathlib.Path(str(entry.path)).parts]
    assert [pathlib.Path(path).stem for path in ours] == [
        "run", "trainer", "step_queue", "train_step", "train_step", "gradients",
    ]  # fmt: skip
