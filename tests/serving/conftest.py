"""Exports that several tests share, each made once."""

import json
import pathlib
import subprocess
import sys

import keras
import pytest

from pixelrnn_tf.serving.check.loader import Loader
from pixelrnn_tf.serving.saved_model_writer import export_model, in_float32
from tests.support.networks import make_network

ROOT = pathlib.Path(__file__).parents[2]
CARD = {
    "data": {"name": "digits", "levels": None},
    "binarization": "none",
    "scores": {"test": {"images": 180}, "validation": {"images": 1, "standard_error": float("nan")}},
}


@pytest.fixture(scope="session")
def run_program():
    """From the name of a program of `export` and its arguments to how it ended."""

    def run(name, *arguments):
        command = [sys.executable, "-m", f"export.{name}", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="session")
def small_export(tmp_path_factory):
    """The smallest network, and the folder of its export. Neither may be changed."""
    keras.utils.set_random_seed(0)
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    return model, export_model(model, tmp_path_factory.mktemp("small") / "network")


@pytest.fixture(scope="session")
def small_loader(small_export):
    """The loader that runs `small_export`."""
    with Loader(small_export[1]) as loader:
        yield loader


@pytest.fixture(scope="session")
def grey_export(tmp_path_factory, run_program):
    """A grey network of four levels, in float32, and its export by the program from a file in half precision.

    The file is `model.keras` above the folder of the models. None of it may be changed.
    """
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("export")
    model = make_network("row_lstm", (5, 6, 1), num_blocks=1, dtype="mixed_bfloat16")
    model.save(folder / "model.keras")
    (folder / "model.json").write_text(json.dumps(CARD))
    base = folder / "base" / "grey"
    done = run_program("saved_model", f"--model={folder / 'model.keras'}", f"--out={base}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{base / '1'}: score, logits, sample, complete, ")
    return in_float32(model), base / "1"


@pytest.fixture(scope="session")
def grey_loader(grey_export):
    """The loader that runs `grey_export`."""
    with Loader(grey_export[1]) as loader:
        yield loader
