"""The programs, run as a user runs them, on the embedded digits."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import make_network

from pixelrnn_tf import data as images
from pixelrnn_tf.distributions import PixelDistribution
from trainers import (
    averaging,
    benchmark,
    config,
    drawing,
    evaluation,
    files,
    loop,
    models,
    occlusion,
    pictures,
    progress,
)

ROOT = pathlib.Path(__file__).parent.parent
TINY = {"block": "row_lstm", "num_blocks": 1, "hidden": 4, "head_hidden": 4}


def tiny_config(**changes):
    defaults = {"model": TINY, "batch_size": 32, "steps": 30, "eval_every": 10, "eval_images": 50, "num_samples": 4}
    return config.TrainConfig(**{**defaults, **changes})


def program(name, *flags):
    return subprocess.run(
        [sys.executable, "-m", f"trainers.{name}", *flags], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small network trained by the program, as a user would."""
    workdir = tmp_path_factory.mktemp("run")
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    done = program(
        "train", *flags, f"--workdir={workdir}", "--steps=120", "--eval_every=40", "--learning_rate=0.01",
        "--batch_size=32", "--log_seconds=0.2", "--num_samples=4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout


def test_training_lowers_the_score_and_says_what_it_did(trained):
    workdir, printed = trained
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    scores = [line["validation_nats_per_image"] for line in lines if "validation_nats_per_image" in line]
    assert len(scores) == 3
    assert scores[-1] < scores[0] < 64 * np.log(17)
    assert any("train_bits_per_dim" in line for line in lines)
    for words in ("digits", "17 levels", "images/s", "nats per image", "bits/dim", "left", "test (", "row_lstm"):
        assert words in printed, words
    card = json.loads((workdir / "model.json").read_text())
    assert card["scores"]["test"]["images"] == 180
    assert card["data"]["name"] == "digits"
    assert not list(workdir.glob(".*")), "nothing half-written is left"


def test_the_saved_model_is_a_keras_model_with_the_scores_it_was_said_to_have(trained):
    workdir, _ = trained
    model = keras.models.load_model(workdir / "model.keras")
    said = json.loads((workdir / "model.json").read_text())["scores"]["validation"]["nats_per_image"]
    score = evaluation.Evaluator(model, batch_size=7).score(images.load("digits"), "validation")
    assert score.nats_per_image == pytest.approx(said, rel=1e-6)
    assert score.images == 180


def test_evaluate_needs_the_model_alone_and_names_data_split_and_unit(trained):
    workdir, _ = trained
    done = program("evaluate", f"--model={workdir / 'model.keras'}")
    assert done.returncode == 0, done.stderr
    said = json.loads((workdir / "model.json").read_text())["scores"]["test"]
    last = done.stdout.splitlines()[-1]
    assert f"{said['nats_per_image']:.2f} nats per image" in last
    assert f"{said['bits_per_dim']:.4f} bits/dim, 180 images" in last
    assert "test" in last
    assert "binarisation" in last


def test_sample_draws_the_same_images_from_the_same_seed(trained, tmp_path):
    model, out = trained[0] / "model.keras", tmp_path / "program.png"
    done = program("sample", f"--model={model}", f"--out={out}", "--seed=3", "--num_images=5")
    assert done.returncode == 0, done.stderr
    assert "drew 5/5 images" in done.stdout
    for seed in (3, 4):
        drawing.draw_grid(model, tmp_path / f"{seed}.png", 5, seed)
    assert (tmp_path / "3.png").read_bytes() == out.read_bytes() != (tmp_path / "4.png").read_bytes()


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("train", ["--workdir=w"], "The network is not given: pass --preset"),
        ("train", ["--workdir=w", "--preset=mnist"], "There is no preset 'mnist'"),
        ("train", ["--workdir=w", "--image_size=8"], "--image_size must be HEIGHT,WIDTH"),
        ("evaluate", ["--model=nowhere.keras"], "There is no model at nowhere.keras"),
        ("sample", ["--model=x", "--out=y", "--temperature=0"], "temperature must be greater than 0"),
        ("sample", ["x"], "unexpected arguments"),
    ],
)
def test_a_users_mistake_ends_in_one_line(name, flags, message, tmp_path):
    if "unexpected" in message:
        flags = ["--model=x", "--out=y", *flags]
    done = program(name, *[flag.replace("=w", f"={tmp_path / 'w'}") for flag in flags])
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "w").exists(), "nothing is left behind"


def test_a_wrong_model_for_the_data_is_named():
    model = make_network("pixel_cnn", (8, 8, 1), levels=2)
    with pytest.raises(ValueError, match=r"\(8, 8, 1\) with 2 levels; .*\(8, 8, 1\) with 17 levels"):
        evaluation.Evaluator(model).score(images.load("digits"), "test")


def opened(run, workdir):
    training = loop.Training(run, run.data.load())
    training.open(workdir)
    return training


@pytest.mark.parametrize("how", ["SIGTERM", "end of the run"])
def test_a_resumed_run_equals_one_that_was_not_interrupted(tmp_path, monkeypatch, how):
    loop.train(tiny_config(), tmp_path / "straight")
    if how == "SIGTERM":
        log_time = progress.Throttle.__call__
        calls = iter(range(100))
        # The loop asks for the time once a step, from the second on: the signal comes in step 17.
        signal_at_17 = lambda self: next(calls) == 15 and os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
        monkeypatch.setattr(progress.Throttle, "__call__", signal_at_17)
        assert loop.train(tiny_config(), tmp_path / "resumed") is None
        monkeypatch.setattr(progress.Throttle, "__call__", log_time)
    else:
        loop.train(tiny_config(steps=17), tmp_path / "resumed")
    assert int(opened(tiny_config(), tmp_path / "resumed").step) == 17
    loop.train(tiny_config(), tmp_path / "resumed")
    straight, resumed = (opened(tiny_config(), tmp_path / name) for name in ("straight", "resumed"))
    assert int(resumed.step) == int(straight.step) == 30
    for a, b in (
        (straight.model.weights, resumed.model.weights),
        (straight.average.model.weights, resumed.average.model.weights),
        (straight.optimizer.variables, resumed.optimizer.variables),
    ):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_finished_run_is_not_evaluated_again(tmp_path):
    first = loop.train(tiny_config(), tmp_path)
    metrics = (tmp_path / "metrics.jsonl").read_text()
    assert loop.train(tiny_config(), tmp_path) == first
    assert (tmp_path / "metrics.jsonl").read_text() == metrics


def test_a_signal_saves_and_the_same_command_goes_on(tmp_path):
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    command = [sys.executable, "-m", "trainers.train", *flags, f"--workdir={tmp_path}", "--log_seconds=0.1"]
    command += ["--num_samples=0", "--eval_images=50"]
    run = subprocess.Popen([*command, "--steps=1000000"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in run.stdout:
        if "images/s" in line:
            break
    run.send_signal(signal.SIGTERM)
    rest = run.communicate(timeout=120)[0]
    assert run.returncode == 0
    assert "the same command goes on from there" in rest
    step = int(rest.split("Stopped at step ")[1].split(";")[0])
    done = subprocess.run([*command, f"--steps={step + 3}"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert f"Going on from step {step}" in done.stdout, done.stderr
    assert f"step {step + 3}: validation" in done.stdout
    assert (tmp_path / "model.keras").exists()


def test_a_workdir_of_another_configuration_is_refused(tmp_path):
    loop.train(tiny_config(steps=1), tmp_path)
    config.check_workdir(tmp_path, tiny_config(steps=99))
    with pytest.raises(ValueError, match=r"batch_size: 32 there, 16 now; learning_rate: 0.001 there, 0.01 now"):
        config.check_workdir(tmp_path, tiny_config(batch_size=16, learning_rate=0.01))


@pytest.mark.parametrize(
    "change", [{"batch_size": 5000}, {"average_decay": 1.0}, {"model": {**TINY, "hidden": 0}}], ids=str
)
def test_a_configuration_that_does_not_fit_leaves_nothing_behind(change, tmp_path):
    with pytest.raises(ValueError, match=r"5000|1\.0|hidden must be at least"):
        loop.train(tiny_config(**change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_step_that_is_not_finite_changes_nothing_and_stops_the_run(tmp_path):
    training = opened(tiny_config(), tmp_path)
    batch = next(iter(training.data.train_batches(32, 0)))
    training.model.weights[-1].assign(np.full(17, np.inf))
    before = [weight.numpy() for weight in training.optimizer.variables + training.model.weights]
    loss, norm = training.train_step(batch)
    assert not (np.isfinite(loss) and np.isfinite(norm))
    assert int(training.step) == 0
    after = [weight.numpy() for weight in training.optimizer.variables + training.model.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    with pytest.raises(FloatingPointError, match=r"The loss after step 0 is (nan|inf)"):
        training.run()


def test_no_checkpoint_is_made_of_a_broken_state(tmp_path):
    run = tiny_config(learning_rate=1e30, clip_norm=0.0, eval_every=1)
    with pytest.raises(FloatingPointError, match=r"The validation score at step 1 is (nan|inf)"):
        loop.train(run, tmp_path)
    assert opened(run, tmp_path).checkpoints.latest_checkpoint is None


@pytest.mark.parametrize("clip_norm", [0.0, 0.5])
def test_one_step_is_clipped_gradient_descent_on_the_mean_loss(clip_norm, tmp_path):
    run = tiny_config(clip_norm=clip_norm, optimizer="rmsprop", learning_rate=0.01)
    training = opened(run, tmp_path)
    batch = next(iter(training.data.train_batches(32, 0)))
    with tf.GradientTape() as tape:
        loss = loop.NegativeLogLikelihood()(batch, training.model(batch))
    gradients = tape.gradient(loss, training.model.trainable_variables)
    norm = float(tf.linalg.global_norm(gradients))
    factor = min(1.0, clip_norm / norm) if clip_norm else 1.0
    assert norm > 0.5, "the clip must act"
    before = training.model.get_weights()
    assert [float(x) for x in training.train_step(batch)] == pytest.approx([float(loss), norm], rel=1e-5)
    # RMSProp's first step: the mean square is 0.1 g^2.
    for weight, start, gradient in zip(training.model.weights, before, gradients, strict=True):
        g = factor * gradient.numpy()
        np.testing.assert_allclose(start - weight.numpy(), 0.01 * g / np.sqrt(0.1 * g**2 + 1e-7), atol=1e-5)


def test_the_weight_average_follows_its_formula():
    model = make_network("pixel_cnn")
    average = averaging.WeightAverage(model, decay=0.5)
    expected = model.weights[0].numpy().astype("float64")
    for t in range(1, 12):
        model.weights[0].assign(np.full(model.weights[0].shape, float(t)))
        average.update(tf.constant(t))
        decay = min(0.5, (1 + t) / (10 + t))
        expected = decay * expected + (1 - decay) * t
    np.testing.assert_allclose(average.model.weights[0], expected, rtol=1e-5)
    mixed = averaging.WeightAverage(make_network("pixel_cnn", dtype="mixed_bfloat16"), decay=0.5)
    assert mixed.model.compute_dtype == "float32"
    with pytest.raises(ValueError, match=r"must be in \[0, 1\), got 1.0"):
        averaging.WeightAverage(model, decay=1.0)


@pytest.mark.parametrize("batch_size", [1, 7, 100, 300])
def test_the_score_does_not_depend_on_the_batch_size(batch_size):
    model, data = make_network("diagonal_bilstm", (8, 8, 1), levels=17), images.load("digits")
    expected = evaluation.Evaluator(model, 60).score(data, "test")
    got = evaluation.Evaluator(model, batch_size).score(data, "test")
    assert got.images == expected.images == 180
    assert got.nats_per_image == pytest.approx(expected.nats_per_image, rel=1e-6)
    assert evaluation.Evaluator(model, batch_size).score(data, "test", limit=5).images == 5


def test_a_picture_holds_every_image_at_its_place():
    levels = np.arange(3).reshape(3, 1, 1, 1)
    grid = pictures.image_grid(levels, levels=3, columns=2, min_size=1)
    assert grid[..., 0].tolist() == [
        [96, 96, 96, 96, 96],
        [96, 0, 96, 128, 96],
        [96, 96, 96, 96, 96],
        [96, 255, 96, 96, 96],
        [96, 96, 96, 96, 96],
    ]


def test_files_are_whole_or_not_there(tmp_path):
    path = tmp_path / "value.json"
    files.write_json(path, {"a": 1})

    def fail_half_way():
        with files.written_beside(path) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["value.json"]


def test_metrics_after_the_step_gone_on_from_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    files.MetricsFile(path, 2).write(step=3, again=True)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n{"step": 3, "again": true}\n'


def test_durations_read_as_people_write_them():
    assert [progress.duration(s) for s in (0, 59.6, 3723)] == ["0:00", "1:00", "1:02:03"]


def test_the_throttle_lets_one_through_in_its_time():
    throttle = progress.Throttle(0.05)
    assert not throttle()
    time.sleep(0.06)
    assert throttle()
    assert not throttle()


@pytest.mark.parametrize(
    ("mask", "known"),
    [
        ("lower_half", [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]),
        ("upper_half", [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]),
        ("right_half", [[1, 1, 0, 0]] * 4),
        ("left_half", [[0, 0, 1, 1]] * 4),
        ("centre", [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]),
    ],
)
def test_masks_by_name(mask, known):
    assert occlusion.known_pixels(mask, 4, 4).astype(int).tolist() == known


def test_a_mask_from_a_png_file(tmp_path):
    picture = np.array([[0, 255], [127, 128]], "uint8")[..., None]
    pictures.write_png(tmp_path / "mask.png", picture)
    assert occlusion.known_pixels(str(tmp_path / "mask.png"), 2, 2).tolist() == [[False, True], [False, True]]
    with pytest.raises(ValueError, match="is 2x2; the images are 4x4"):
        occlusion.known_pixels(str(tmp_path / "mask.png"), 4, 4)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png is no PNG file"):
        occlusion.known_pixels(str(tmp_path / "broken.png"), 2, 2)
    with pytest.raises(ValueError, match="There is no mask 'lower': give one of lower_half"):
        occlusion.known_pixels("lower", 2, 2)


def test_complete_keeps_the_known_half_of_test_images(trained, tmp_path):
    out = tmp_path / "completions.png"
    flags = [f"--model={trained[0] / 'model.keras'}", f"--out={out}", "--num_images=3", "--num_samples=2"]
    done = program("complete", *flags)
    assert done.returncode == 0, done.stderr
    assert "2 completions of 3 images of digits, test, lower_half occluded" in done.stdout
    panel = tf.io.decode_png(out.read_bytes()).numpy()
    # Three rows of four 8x8 cells with lines between them, enlarged to about 512 pixels.
    factor = panel.shape[1] // 37
    assert panel.shape == (28 * factor, 37 * factor, 1)
    cells = panel[::factor, ::factor, 0]
    test = next(images.load("digits").batches("test", 3).as_numpy_iterator())
    for row in range(3):
        top = 1 + 9 * row
        original = images.to_bytes(test[row, ..., 0], 17)
        assert np.array_equal(cells[top : top + 8, 1:9], original)
        assert (cells[top + 4 : top + 8, 10:18] == pictures.LINE).all()
        for left in (10, 19, 28):
            assert np.array_equal(cells[top : top + 4, left : left + 8], original[:4])
        assert not np.array_equal(cells[top + 4 : top + 8, 19:27], cells[top + 4 : top + 8, 28:36])


def test_benchmark_prints_both_samplers_and_their_ratio():
    done = program("benchmark", "--num_blocks=1", "--sizes=3,4", "--repeats=1", "--naive_pixels=1", "--batch_size=2")
    assert done.returncode == 0, done.stderr
    assert "diagonal_bilstm 1x16, 2 levels, batch 2" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.strip().startswith(("3x3x1", "4x4x1"))]
    assert [row[:2] for row in rows] == [["3x3x1", "off"], ["4x4x1", "off"], ["3x3x1", "on"], ["4x4x1", "on"]]
    for row in rows:
        batch, per_second, per_pixel = (float(row[k].rstrip("s")) for k in (3, 4, 5))
        assert per_second == pytest.approx(2 / batch, rel=0.2)
        assert per_pixel == pytest.approx(1e3 * batch / int(row[0][0]) ** 2, rel=0.2)
    assert "* extrapolated from the median of 1 sub-pixels" in done.stdout


def test_sampling_costs_less_than_one_pass_per_sub_pixel():
    model = make_network("row_lstm", (16, 16, 1))
    times = benchmark.time_sampling(model, 4, jit_compile=False, repeats=3, naive_pixels=3)
    assert times["first"] > times["batch"] > 0
    assert times["naive"] > 2 * times["batch"]
    assert set(benchmark.time_sampling(model, 4, False, 1, naive_pixels=0)) == {"first", "batch"}


def test_programs_draw_what_the_distribution_draws():
    model = make_network("pixel_cnn")
    drawn = drawing.draw(model, 3, seed=7, batch_size=2)
    assert np.array_equal(drawn, PixelDistribution(model).sample(3, seed=7))


def test_a_model_without_its_card_needs_data_named(trained, tmp_path):
    alone = shutil.copy(trained[0] / "model.keras", tmp_path)
    with pytest.raises(ValueError, match="Give --data"):
        models.trained_on(alone)
    done = program("evaluate", f"--model={alone}", "--data=digits")
    assert "180 images" in done.stdout, done.stderr
    done = program("evaluate", f"--model={trained[0] / 'model.keras'}", "--levels=2")
    assert "--levels say what to make of the images of --data, which is not given" in done.stderr
