"""An installed wheel does everything, in an empty folder outside the checkout."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import venv

import pytest
import urllib3

from tests.support.serving_servers import NAME, stand_in

ROOT = pathlib.Path(__file__).parents[1]
FROM_PYTHON = """
import numpy as np
from pixelrnn_tf import PixelRNN
from pixelrnn_tf.compression import compress, decompress
from pixelrnn_tf.models import log_prob
from pixelrnn_tf.sampling import generate
from pixelrnn_tf.serving import Client
from pixelrnn_tf.training import DataConfig, TrainConfig, train
import keras, sys

network = {"block": "row_lstm", "num_blocks": 1, "hidden": 4, "head_hidden": 4}
scores = train(TrainConfig(DataConfig("digits"), model=network, steps=2, eval_every=2, num_samples=0), "python_run")
model = keras.models.load_model("python_run/model.keras")
images = np.array(generate(model, np.random.default_rng(0).uniform(size=(3, 8, 8, 1)).astype("float32")))
assert log_prob(model, images).shape == (3,)
assert np.array_equal(decompress(model, compress(model, images)), images)
client = Client(sys.argv[1], sys.argv[2])
served = keras.models.load_model("run/model.keras")
assert np.allclose(client.score(images).log_prob, log_prob(served, images), atol=1e-3)
print("everything", len(scores))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of the commands of an environment with the wheel and the libraries of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, source], check=True)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    site = pathlib.Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env")}))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    (wheel,) = folder.glob("*.whl")
    python = folder / "env" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    return python.parent


@pytest.mark.slow
def test_the_wheel_does_everything_by_command_and_from_python(installed, tmp_path):
    def run(*command):
        environment = {**os.environ, "PYTHONPATH": ""}
        done = subprocess.run(
            [installed / command[0], *command[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    network = ("--block=pixel_cnn", "--num_blocks=1", "--hidden=4", "--head_hidden=4")
    run("pixelrnn", "train", *network, "--workdir=run", "--steps=2", "--eval_every=2", "--num_samples=0")
    assert "nats per image" in run("pixelrnn", "evaluate", "--model=run/model.keras")
    run("pixelrnn", "sample", "--model=digits_row_lstm", "--out=drawn.png", "--num_images=2")
    run("pixelrnn", "complete", "--model=run/model.keras", "--out=completed.png", "--num_images=1", "--num_samples=1")
    run("pixelrnn", "compress", "--model=run/model.keras", "--split=test", "--out=test.pxr")
    run("pixelrnn", "decompress", "--model=run/model.keras", "--file=test.pxr", "--out=images")
    assert len(list((tmp_path / "images").rglob("*.png"))) == 180
    run("pixelrnn", "export", "--model=run/model.keras", f"--out=served/{NAME}")
    assert "ready to be served" in run("pixelrnn", "check", f"--model_dir=served/{NAME}", "--model=run/model.keras")
    run("pixelrnn", "serving_config", "--base=served")
    with stand_in(tmp_path / "served" / NAME, [installed / "pixelrnn", "demo"]) as server:
        address = server.addresses["rest"]
        image = str(next((tmp_path / "images").rglob("*.png")))
        told = run("pixelrnn", "client", "score", f"--server={address}", f"--model={NAME}", f"--images={image}")
        assert "log-probability" in told
        assert b"<title>" in urllib3.request("GET", f"http://{address}/", timeout=60).data, (
            "the page is part of the wheel"
        )
        assert run("python", "-c", FROM_PYTHON, address, NAME).splitlines()[-1] == "everything 2"
