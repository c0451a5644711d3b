"""The programs, run as a user runs them, on the embedded digits."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf import data as images
from pixelrnn_tf.evaluation import batched_sampling, scoring
from pixelrnn_tf.pictures import grids
from pixelrnn_tf.programs import model_files
from tests.support.training_runs import TINY

ROOT = pathlib.Path(__file__).parents[2]


def started(name, *flags):
    """Run a program as a user does; where it succeeds it says nothing on stderr: no library's start-up log."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_CPP_")}
    command = [sys.executable, "-m", f"trainers.{name}", *flags]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 or done.stderr == ""
    return done


@pytest.fixture
def program(programs):
    """Runs a program without importing TensorFlow for it; where it succeeds it says nothing on stderr."""

    def run(name, *flags):
        done = programs.run("-m", f"trainers.{name}", *flags)
        assert done.returncode != 0 or done.stderr == ""
        return done

    return run


def test_programs_are_imported_without_tensorflow_and_without_side_effects():
    check = (
        "import importlib, os, sys; before = dict(os.environ)\n"
        "for name in ('train', 'evaluate', 'sample', 'complete', 'compress', 'decompress'):\n"
        "    importlib.import_module(f'trainers.{name}')\n"
        "from absl import flags\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'matplotlib'} & set(sys.modules)), dict(os.environ) == before,\n"
        "      [name for name in ('workdir', 'model') if name in flags.FLAGS])"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.stdout == "[] True []\n", done.stderr


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("train", "--learning_rate"),
        ("evaluate", "--split"),
        ("sample", "--temperature"),
        ("complete", "--mask"),
        ("compress", "--[no]verify"),
        ("decompress", "--file"),
    ],
)
def test_help_lists_the_flags_at_once(name, flag):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = started(name, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Importing TensorFlow takes longer.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    assert done.returncode == 0
    assert f"python -m trainers.{name}" in done.stdout.splitlines()[0]
    assert f"\n  {flag}\n" in done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small network trained by the program, as a user would who tries two replicas."""
    workdir = tmp_path_factory.mktemp("run")
    flags = [f"--{name}={value}" for name, value in {**TINY, "block": "pixel_cnn"}.items()]
    done = started(
        "train", *flags, f"--workdir={workdir}", "--steps=60", "--eval_every=20", "--learning_rate=0.01",
        "--batch_size=32", "--log_seconds=0.2", "--num_samples=4",
        "--strategy=mirrored", "--num_virtual_devices=2", "--jit_compile=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout


def test_training_lowers_the_score_and_says_what_it_did(trained):
    workdir, printed = trained
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    scores = [line["validation_nats_per_image"] for line in lines if "validation_nats_per_image" in line]
    assert len(scores) == 4, "before training, and three times in it"
    assert scores[-1] < scores[1] < scores[0]
    assert scores[1] < 64 * np.log(17)
    assert any("train_bits_per_dim" in line for line in lines)
    assert printed.startswith("digits: images (8, 8, 1)"), "the first line is ours"
    for words in ("digits", "17 levels", "images/s", "nats per image", "bits/dim", "left", "test (", "pixel_cnn",
                  "strategy mirrored, 2 CPU replicas"):  # fmt: skip
        assert words in printed, words
    card = json.loads((workdir / "model.json").read_text())
    assert card["scores"]["test"]["images"] == 180
    assert card["data"]["name"] == "digits"
    assert not list(workdir.glob(".*")), "nothing half-written is left"


@pytest.mark.slow
def test_two_replicas_start_from_a_saved_model(trained, tmp_path):
    workdir, _ = trained
    done = started(
        "train", f"--init_from={workdir / 'model.keras'}", f"--workdir={tmp_path}", "--steps=1", "--eval_every=1",
        "--eval_images=0", "--num_samples=0", "--strategy=mirrored", "--num_virtual_devices=2", "--jit_compile=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[0])["validation_nats_per_image"]
    said = json.loads((workdir / "model.json").read_text())["scores"]["validation"]["nats_per_image"]
    assert first == pytest.approx(said, rel=1e-6)


def test_the_saved_model_is_a_keras_model_with_the_scores_it_was_said_to_have(trained):
    workdir, _ = trained
    model = keras.models.load_model(workdir / "model.keras")
    said = json.loads((workdir / "model.json").read_text())["scores"]["validation"]["nats_per_image"]
    score = scoring.Evaluator(model, batch_size=7).score(images.load("digits"), "validation")
    assert score.nats_per_image == pytest.approx(said, rel=1e-6)
    assert score.images == 180


def test_evaluate_needs_the_model_alone_and_names_data_split_and_unit(trained, program):
    workdir, _ = trained
    done = program("evaluate", f"--model={workdir / 'model.keras'}")
    assert done.returncode == 0, done.stderr
    said = json.loads((workdir / "model.json").read_text())["scores"]["test"]
    last = done.stdout.splitlines()[-1]
    assert f"{said['nats_per_image']:.2f} nats per image" in last
    assert f"{said['bits_per_dim']:.4f} bits/dim, 180 images" in last
    assert "test" in last
    assert "binarization" in last


def test_sample_draws_the_same_images_from_the_same_seed(trained, program, tmp_path):
    model, out = trained[0] / "model.keras", tmp_path / "program.png"
    done = program("sample", f"--model={model}", f"--out={out}", "--seed=3", "--num_images=5")
    assert done.returncode == 0, done.stderr
    assert "drew 5/5 images" in done.stdout
    for seed in (3, 4):
        batched_sampling.draw_picture(keras.models.load_model(model), tmp_path / f"{seed}.png", 5, seed)
    assert (tmp_path / "3.png").read_bytes() == out.read_bytes() != (tmp_path / "4.png").read_bytes()


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("train", ["--workdir=w"], "The network is not defined: pass --preset"),
        ("train", ["--workdir=w", "--preset=mnist"], "There is no preset 'mnist'"),
        ("train", ["--workdir=w", "--image_size=8"], "--image_size must be HEIGHT,WIDTH"),
        (
            "train",
            ["--workdir=w", "--schedule=step", "--lr_boundaries=9,3"],
            "--lr_boundaries must be increasing steps",
        ),
        ("evaluate", ["--model=nowhere.keras"], "There is no model at nowhere.keras"),
        (
            "sample",
            ["--model=README.md", "--out=y.png", "--temperature=0"],
            "temperature must be a number of at least 1e-30 and at most 1e+30, got 0.0",
        ),
        ("sample", ["--model=README.md", "--out=y.jpg"], "--out must end in .png, got y.jpg"),
        ("sample", ["--model=x", "--num_image=3"], "Unknown command line flag 'num_image'. Did you mean: num_images"),
        ("sample", ["x"], "unexpected arguments"),
    ],
)
def test_a_users_mistake_ends_in_one_line(name, flags, message, program, tmp_path):
    if "unexpected" in message:
        flags = ["--model=README.md", "--out=y.png", *flags]
    done = program(name, *[flag.replace("=w", f"={tmp_path / 'w'}") for flag in flags])
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not (tmp_path / "w").exists(), "nothing is left behind"


def test_a_signal_saves_and_the_same_command_goes_on(tmp_path):
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    command = [sys.executable, "-m", "trainers.train", *flags, f"--workdir={tmp_path}", "--log_seconds=0.1"]
    command += ["--num_samples=0", "--eval_images=50"]
    run = subprocess.Popen([*command, "--steps=1000000"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in run.stdout:
        if "images/s" in line:
            break
    run.send_signal(signal.SIGTERM)
    rest = run.communicate(timeout=600)[0]
    assert run.returncode == 0
    assert "resume with the same command" in rest
    step = int(rest.split("Stopped at step ")[1].split(";")[0])
    done = subprocess.run([*command, f"--steps={step + 3}"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert f"Resuming from step {step}" in done.stdout, done.stderr
    assert f"step {step + 3}: validation" in done.stdout
    assert (tmp_path / "model.keras").exists()


def test_complete_keeps_the_known_half_of_test_images(trained, program, tmp_path):
    out = tmp_path / "completions.png"
    flags = [f"--model={trained[0] / 'model.keras'}", f"--out={out}", "--num_images=3", "--num_samples=2"]
    done = program("complete", *flags)
    assert done.returncode == 0, done.stderr
    assert "2 completions of 3 images of digits, test, lower_half occluded" in done.stdout
    panel = tf.io.decode_png(out.read_bytes()).numpy()
    # Three rows of four 8x8 cells with lines between them, enlarged to about 512 pixels, below words.
    factor = panel.shape[1] // 37
    heading, panel = panel[: -28 * factor], panel[-28 * factor :]
    assert panel.shape == (28 * factor, 37 * factor, 1)
    assert heading.min() == 0
    cells = panel[::factor, ::factor, 0]
    test = next(images.load("digits").batches("test", 3).as_numpy_iterator())
    for row in range(3):
        top = 1 + 9 * row
        original = images.to_bytes(test[row, ..., 0], 17)
        assert np.array_equal(cells[top : top + 8, 1:9], original)
        assert (cells[top + 4 : top + 8, 10:18] == grids.LINE).all()
        for left in (10, 19, 28):
            assert np.array_equal(cells[top : top + 4, left : left + 8], original[:4])
        assert not np.array_equal(cells[top + 4 : top + 8, 19:27], cells[top + 4 : top + 8, 28:36])


def test_a_model_without_its_card_needs_data_named(trained, program, tmp_path):
    alone = shutil.copy(trained[0] / "model.keras", tmp_path)
    with pytest.raises(ValueError, match="Pass --data"):
        model_files.data_config(model_files.card_of(alone), alone)
    done = program("evaluate", f"--model={alone}", "--data=digits")
    assert "180 images" in done.stdout, done.stderr
    done = program("evaluate", f"--model={trained[0] / 'model.keras'}", "--levels=2")
    assert "--levels belong to --data, which is not given" in done.stderr
