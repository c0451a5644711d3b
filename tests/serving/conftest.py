"""Exports that several tests share, each made once."""

import fcntl
import json
import os

import pytest

from pixelrnn_tf.serving.check.loader import Loader
from pixelrnn_tf.serving.saved_model_writer import in_float32
from tests.support import serving_servers

CARD = {
    "data": {"name": "digits", "levels": None},
    "binarization": "none",
    "scores": {"test": {"images": 180}, "validation": {"images": 1, "standard_error": float("nan")}},
}


@pytest.fixture(scope="session")
def run_program(programs):
    """From the name of a program of `export` and its arguments to how it ended."""
    return lambda name, *arguments: programs.run("-m", f"export.{name}", *arguments)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """From a name and a function that fills a folder to that folder, which all processes of a test run share."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name, fill):
        folder, whole = base / name, base / f"{name}.whole"
        with open(base / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                fill(folder)
                whole.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def gray_export(made_once, run_program):
    """A gray network of four levels, in float32, and its export by the program from a file in half precision.

    The file is `model.keras` above the folder of the models. None of it may be changed.
    """
    model = serving_servers.served_model("mixed_bfloat16")

    def export(folder):
        folder.mkdir()
        model.save(folder / "model.keras")
        (folder / "model.json").write_text(json.dumps(CARD))
        base = folder / "base" / serving_servers.NAME
        done = run_program("saved_model", f"--model={folder / 'model.keras'}", f"--out={base}")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{base / '1'}: score, logits, sample, complete, ")

    return in_float32(model), made_once("export", export) / "base" / serving_servers.NAME / "1"


@pytest.fixture(scope="session")
def gray_loader(gray_export):
    """The loader that runs `gray_export`."""
    with Loader(gray_export[1]) as loader:
        yield loader
