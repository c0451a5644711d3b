"""What a run does at its evaluations and what it leaves for people to read."""

import dataclasses
import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pixelrnn_tf.evaluation.scoring import Score
from pixelrnn_tf.training import learning_curve
from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training.stop_signals import StopRequest
from tests.support.training_runs import QUICK, TINY, opened, state, tiny_config


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with pictures, and its scores."""
    workdir = tmp_path_factory.mktemp("finished")
    changes = {"num_samples": 2, "sample_every": 3, "log_seconds": 0.0, "warmup_steps": 3, "jit_compile": "auto"}
    run = tiny_config(steps=8, eval_every=4, **changes)
    return workdir, training_run.train(run, workdir, "python -m trainers.train --steps=8")


def events(workdir):
    """The records for TensorBoard: (step, tag, whether it is an image, scalar)."""
    found = []
    for path in (workdir / "tensorboard").iterdir():
        for raw in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(raw)
            for value in event.summary.value:
                image = value.metadata.plugin_data.plugin_name == "images"
                found.append((event.step, value.tag, image, None if image else float(tf.make_ndarray(value.tensor))))
    return found


def test_a_run_is_scored_before_training_and_on_schedule(finished):
    lines = [json.loads(line) for line in (finished[0] / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "validation_nats_per_image" in line] == [0, 4, 8]
    trained = [line for line in lines if "train_nats_per_image" in line]
    assert [line["step"] for line in trained] == [2, 3, 4, 5, 6, 7, 8]
    rates = [line["learning_rate"] for line in trained]
    # The rate of the next step.
    assert rates == pytest.approx([1e-3] * 7)
    for line in trained:
        assert line["train_bits_per_dim"] == pytest.approx(line["train_nats_per_image"] / (64 * np.log(2)))
        assert line["gradient_norm"] > 0
        assert line["images_per_second"] > 0


def test_a_printed_loss_is_the_mean_of_all_steps_since_the_one_before_evaluations_or_not(tmp_path, monkeypatch):
    training = opened(tiny_config(steps=10, eval_every=3, log_seconds=1e6), tmp_path)
    losses, count = [], training._count
    monkeypatch.setattr(training, "_count", lambda loss, *rest: losses.append(loss) or count(loss, *rest))
    monkeypatch.setattr("pixelrnn_tf.training.journal.Throttle", lambda _: lambda: len(losses) in (4, 10))
    assert training.run(StopRequest())
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    printed = {line["step"]: line["train_nats_per_image"] for line in lines if "train_nats_per_image" in line}
    # The first step is left out: it was compiled. The evaluations at 3, 6 and 9 end nothing.
    assert printed == {4: pytest.approx(np.mean(losses[1:4])), 10: pytest.approx(np.mean(losses[4:]))}


def test_tensorboard_has_what_the_metrics_have_and_images(finished):
    workdir, _ = finished
    found = events(workdir)
    scalars = {(step, tag): value for step, tag, image, value in found if not image}
    for line in map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines()):
        for key in line.keys() - {"step", "seconds", "processor_seconds"}:
            assert scalars[line["step"], key] == pytest.approx(line[key], rel=1e-6)
    # Step 3 falls before the evaluation at 4, and step 6 before that at 8.
    assert [(step, tag) for step, tag, image, _ in found if image] == [(4, "samples"), (8, "samples")]


def test_a_run_without_matplotlib_and_tensorboard_trains_and_names_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pixelrnn_tf.training.journal.is_installed", lambda _: False)
    training_run.train(tiny_config(model=QUICK, steps=2, eval_every=2, num_samples=2, sample_every=1), tmp_path)
    note = "tensorboard and matplotlib not installed, so the run writes no tensorboard/ and curve.png"
    assert note in capsys.readouterr().out
    assert not {"curve.png", "tensorboard"} & {path.name for path in tmp_path.iterdir()}
    assert "(samples.png)" in (report := (tmp_path / "report.md").read_text())
    assert "curve.png" not in report


def test_the_report_says_what_was_trained_on_what_and_how_well(finished):
    workdir, scores = finished
    report = (workdir / "report.md").read_text()
    for split, score in scores.items():
        cells = [split, f"{score.nats_per_image:.2f} ± {score.standard_error:.2f}", f"{score.bits_per_dim:.4f}", "180"]
        assert f"| {' | '.join(cells)} |" in report
    for words in (
        "row_lstm 1 x 4 on digits", "Binarization: none (17 levels)", "permuted by RandomState(0), [0:1437]",
        "1,253 parameters", "constant, 0.001, warm-up over 3 steps", "wall time", "nats per image", "bits/dim",
        "python -m trainers.train --steps=8", f"TensorFlow {tf.__version__}, Keras {keras.__version__}",
        "strategy none, 1 CPU replica", "(curve.png)", "(samples.png)",
    ):  # fmt: skip
        assert words in report, words
    for name in ("curve.png", "samples.png"):
        assert min(tf.io.decode_png((workdir / name).read_bytes()).shape[:2]) > 100
    config = json.loads((workdir / "config.json").read_text())
    assert config["warmup_steps"] == 3
    assert config["xla"] is True  # The rule of --jit_compile=auto for a recurrence.


def test_the_axis_of_a_curve_leaves_out_the_fall_at_the_beginning():
    low, high = learning_curve._limits([540.0, 200.0, *np.linspace(110.0, 86.0, 40)])
    assert low < 86.0
    assert 110.0 < high < 200.0
    assert learning_curve._limits([5.0])[0] < 5.0 < learning_curve._limits([5.0])[1]


def test_a_curve_of_few_points_shows_all_of_them_in_its_own_colors(tmp_path):
    assert learning_curve._limits([180.0, 110.0, 100.0])[1] > 180.0
    low, high = learning_curve._limits([180.0])
    assert 160 < low < 175
    assert 185 < high < 200
    blue, orange = (31, 119, 180), (255, 127, 14)
    lines = [{"step": 0, "validation_nats_per_image": 180.0}]
    for more, expected in (([], False), ([{"step": 5, "train_nats_per_image": 100.0}], True)):
        learning_curve.write_curve(lines + more, tmp_path / "curve.png")
        pixels = np.asarray(Image.open(tmp_path / "curve.png").convert("RGB")).reshape(-1, 3)
        seen = {tuple(pixel) for pixel in pixels.tolist()}
        assert orange in seen
        # The training loss is drawn with a little of what lies behind it.
        is_blue = (abs(pixels.astype(int) - (0.6 * np.array(blue) + 0.4 * 255)) < 3).all(1).any()
        assert is_blue == expected


def test_a_score_curve_counts_the_images_of_earlier_stages(tmp_path):
    points = [{"step": step, "processor_seconds": 30.0 * step, "nats_per_image": 64.0} for step in (0, 2, 4)]
    metadata = {"name": "small", "data": {"title": "digits"}, "network": {"image_shape": [8, 8, 1], "levels": 17}}
    metadata["training"] = {"batch_size": 16, "steps": 4, "curve": points}
    images, minutes, bits = learning_curve.score_curve(metadata)
    assert (images.tolist(), minutes.tolist()) == ([32, 64], [1.0, 2.0])
    assert bits == pytest.approx([1 / np.log(2)] * 2)
    metadata["training"]["started_from"] = {"stages": [{"steps": 100, "batch_size": 8}]}
    images, minutes, _ = learning_curve.score_curve(metadata)
    assert (images.tolist(), minutes) == ([832, 864], None)
    metadata["training"]["started_from"]["stages"][0]["curve"] = points[1:2]
    metadata["network"]["levels"] = 2
    images, minutes, nats = learning_curve.score_curve(metadata)
    assert (images.tolist(), minutes.tolist(), nats.tolist()) == ([16, 832, 864], [1.0, 2.0, 3.0], [64.0] * 3)
    learning_curve.write_score_curves([metadata, {**metadata, "training": {}}], tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (900, 300)


def test_patience_ends_a_run_that_gets_no_better_and_keeps_the_best(tmp_path, capsys):
    changes = {"steps": 1000, "eval_every": 2, "learning_rate": 3.0, "optimizer": "sgd", "ema_decay": 0.0}
    run = tiny_config(model=QUICK, patience=2, **changes)
    training = opened(run, tmp_path)
    scores = iter([180.0, 170.0, 171.0, 170.0, 150.0])
    training.evaluator.score = lambda *_: Score(next(scores), 0.0, 0.0, 50)
    assert training.run(StopRequest())
    assert (training.progress.step, training.progress.best_step, training.progress.best) == (6, 2, 170.0)
    assert "Stopped early at step 6: no better validation score in 2 evaluations" in capsys.readouterr().out
    # The count is part of the checkpoint: the same command ends at once.
    again = opened(run, tmp_path)
    assert again.run(StopRequest())
    assert again.progress.step == 6


def test_a_run_that_is_out_of_time_evaluates_and_ends(tmp_path):
    training = opened(tiny_config(minutes=0.01, steps=1_000_000, eval_every=1_000_000), tmp_path)
    assert training.run(StopRequest())
    assert 0 < training.progress.step == training.progress.evaluated
    assert 0.6 < training.progress.seconds < 10
    assert 0.1 < training.progress.processor_seconds < os.cpu_count() * training.progress.seconds
    again = opened(training.config, tmp_path)
    assert again.run(StopRequest())
    assert again.progress == training.progress, "and the same command does no more"


def test_a_new_run_starts_from_given_weights_and_a_resumed_one_does_not(finished, tmp_path):
    source = str(finished[0] / "model.keras")
    run = tiny_config(init_from=source, steps=2, eval_every=2)
    expected = keras.models.load_model(source).get_weights()
    training = opened(run, tmp_path)
    for model in (training.model, training.average.model):
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), expected, strict=True))
    training.run(StopRequest())
    again = opened(run, tmp_path)
    assert again.progress.step == 2
    assert not all(np.array_equal(a, b) for a, b in zip(again.model.get_weights(), expected, strict=True))
    # What it started from may be gone by then.
    opened(dataclasses.replace(run, init_from="nowhere.keras"), tmp_path)
    other = dataclasses.replace(run, model={**TINY, "hidden": 5})
    with pytest.raises(ValueError, match=r"holds another network \(hidden: 4 there, 5 now\)"):
        opened(other, tmp_path / "other")
    with pytest.raises(ValueError, match=r"There is no model at nowhere\.keras.* Set --init_from to a \.keras file"):
        opened(dataclasses.replace(run, init_from="nowhere.keras"), tmp_path / "other")


def test_a_float16_step_that_overflows_is_done_again_at_a_smaller_scale(tmp_path):
    training = opened(tiny_config(dtype_policy="mixed_float16", jit_compile="auto"), tmp_path)
    training.loss_scale.scale.assign(2.0**20)
    batches = [batch.numpy() for batch in training.data.train_batches(32, 0).take(4)]
    seen = []

    class Recorded:
        strategy, loss_scale = training.strategy, training.loss_scale

        def update(self, images, number, votes):
            result = training.step.update(images, number, votes)
            if bool(result[2]):
                seen.append(images.numpy())
            return result

    training.queue.step = Recorded()
    losses = [loss for loss, _, _ in training.queue.run(4, lambda: (False, False))]
    assert len(losses) == 4
    assert float(training.loss_scale.value()) < 2.0**20
    assert all(np.array_equal(a, b) for a, b in zip(seen, batches, strict=True)), "no batch was lost"
    assert all(np.isfinite(value).all() for value in state(training))
    reference = opened(tiny_config(jit_compile="auto"), tmp_path / "float32")
    expected = [loss for loss, _, _ in reference.queue.run(4, lambda: (False, False))]
    np.testing.assert_allclose(losses, expected, rtol=2e-3)


def test_gradients_that_overflow_without_a_scale_stop_the_run(tmp_path, monkeypatch):
    training = opened(tiny_config(dtype_policy="mixed_float16"), tmp_path)
    monkeypatch.setattr(training.loss_scale, "value", lambda: tf.constant(0.5))
    with pytest.raises(FloatingPointError, match="The norm of the gradients after step 0 is inf"):
        training.queue._check(184.0, np.inf)


def test_a_run_from_given_weights_takes_their_network_and_notes_it(finished, tmp_path):
    source = str(finished[0] / "model.keras")
    run = tiny_config(init_from=source, model={})
    taken = training_run._with_network(run, tmp_path).model
    assert taken == {**TINY, "residual": True, "skips": True}
    (tmp_path / "config.json").write_text(json.dumps({"model": taken}))
    gone = dataclasses.replace(run, init_from="nowhere.keras")
    assert training_run._with_network(gone, tmp_path).model == taken
    deeper = tiny_config(init_from=source, model={"num_blocks": 3})
    assert training_run._with_network(deeper, tmp_path / "other").model == {**taken, "num_blocks": 3}
