"""`fit` on JAX, as docs/jax.md has it: two devices give the weights of one, and TensorFlow reads the file."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from pixelrnn_tf.models import log_prob

ROOT = pathlib.Path(__file__).parents[1]
RUN = """
import pathlib, sys
sys.modules["tensorflow"] = None  # It cannot be imported.
from tests.support.jax_training import main
main(pathlib.Path(sys.argv[1]))
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    command = [sys.executable, "-c", RUN, folder]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", ["plain", "classes", "scales"])
def test_two_devices_learn_what_one_does(folder, kind):
    got = np.load(folder / f"{kind}.npz")
    assert got["devices"] == 2
    np.testing.assert_allclose(got["two"], got["one"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(*got["losses"], rtol=1e-5)
    first, last = got["losses"][0]
    assert last < first


@pytest.mark.parametrize("kind", ["plain", "classes", "scales"])
def test_tensorflow_scores_the_saved_model_the_same(folder, kind):
    got, model = np.load(folder / f"{kind}.npz"), keras.models.load_model(folder / f"{kind}.keras")
    scores = log_prob(model, got["images"], got["labels"] if model.num_classes else None).numpy()
    np.testing.assert_allclose(scores, got["log_prob"], rtol=1e-5)
    # What was saved is the best average, not the weights of the last step.
    assert -scores.mean() == pytest.approx(got["losses"].min(), rel=1e-4)
