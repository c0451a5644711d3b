"""The layers and models compute the same on the JAX backend, and need no TensorFlow there."""

import os
import pathlib
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.models import ImageModel, log_prob, log_prob_map, preset_files
from pixelrnn_tf.sampling import generate, image_noise, image_seeds, restore
from pixelrnn_tf.zoo import DIRECTORY, shipped_presets
from tests.support import descriptors
from tests.support.descriptors import make

CONDITIONED = [descriptor for descriptor in descriptors.MODELS if descriptor.arguments.get("condition_features")]
PRESET = "digits_diagonal_bilstm_classes"  # The others are left to the slow proofs.
COMPUTED = "test_outputs_and_gradients_are_the_same"
DRAWN = ("test_images_drawn_completed_and_restored_are_the_same", "test_log_probabilities_are_the_same")
ROOT = pathlib.Path(__file__).parents[1]


def on_tensorflow(descriptor):
    """Weights, inputs, outputs and gradients of a fixed mixture of the outputs, as arrays."""
    layer, inputs = make(descriptor)
    with tf.GradientTape() as tape:
        outputs = layer(*inputs)
        mixture = np.random.default_rng(1).normal(size=outputs.shape).astype("float32")
        loss = tf.reduce_sum(outputs * mixture)
    gradients = tape.gradient(loss, layer.trainable_variables)
    return {
        "weights": layer.get_weights(),
        "inputs": inputs,
        "mixture": mixture,
        "outputs": np.array(outputs),
        "gradients": [np.array(gradient) for gradient in gradients],
    }


def drawn_on_tensorflow(descriptor, given):
    """Images from fixed noise, and completions of the inputs, some of whose first rows are known."""
    model = descriptor.cls(**descriptor.arguments)
    model.set_weights(given["weights"])
    ((images, condition),) = given["inputs"]
    rng = np.random.default_rng(2)
    noise = rng.uniform(size=images.shape).astype("float32")
    known = rng.random(images.shape[:3]) < 0.3
    known[:, :2] = True
    run = tf.function(generate)
    return {
        **{"noise": noise, "images": images, "known": known, "condition": condition},
        "drawn": run(model, noise, condition=condition).numpy(),
        "completed": run(model, noise, images, known, condition=condition).numpy(),
        "restored": tf.function(restore)(model, noise, images, 2.0, condition=condition)[0].numpy(),
        "log_prob_map": log_prob_map(model, images, condition).numpy(),
        "log_prob": log_prob(model, images, condition).numpy(),
    }


def on_tensorflow_from_preset(name):
    model = ImageModel.from_preset(name)
    images = np.random.default_rng(3).integers(0, model.levels, (2, *model.image_shape)).astype("int32")
    inputs = [images, np.int32([3, 7])] if model.num_classes else images
    return {"preset": name, "preset_inputs": inputs, "outputs": np.array(model(inputs))}


def names_in(session, *tests):
    """The descriptors that the selected cases of some tests are of."""
    cases = [item for item in session.items if getattr(item, "originalname", "") in tests]
    return {item.callspec.params["name"] for item in cases}


@pytest.fixture(scope="module")
def both_backends(request, tmp_path_factory):
    """Runs all that is asked for in one process under JAX; returns `{name: (on TensorFlow, on JAX)}`."""
    drawn = names_in(request.session, *DRAWN)
    expected = {}
    for descriptor in descriptors.LAYERS + descriptors.MODELS:
        if str(descriptor) in drawn | names_in(request.session, COMPUTED):
            keras.utils.set_random_seed(0)
            expected[str(descriptor)] = on_tensorflow(descriptor)
        if str(descriptor) in drawn:
            expected[str(descriptor)] |= drawn_on_tensorflow(descriptor, expected[str(descriptor)])
    expected[PRESET] = on_tensorflow_from_preset(PRESET)
    return on_both(tmp_path_factory.mktemp("jax"), expected)


@pytest.fixture(scope="module")
def presets_on_both(tmp_path_factory):
    """The same for every preset with weights."""
    return on_both(
        tmp_path_factory.mktemp("jax"), {name: on_tensorflow_from_preset(name) for name in shipped_presets()}
    )


def on_both(folder, expected):
    """`{name: (on TensorFlow, on JAX)}`, the latter from a process of its own."""
    (folder / "expected.pickle").write_bytes(pickle.dumps(expected))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "tests.support.jax_twin", folder]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    got = pickle.loads((folder / "got.pickle").read_bytes())
    return {name: (expected.get(name), got[name]) for name in got}


@pytest.mark.parametrize("name", [str(descriptor) for descriptor in descriptors.LAYERS + descriptors.MODELS])
def test_outputs_and_gradients_are_the_same(both_backends, name):
    expected, got = both_backends[name]
    np.testing.assert_allclose(got["outputs"], expected["outputs"], rtol=1e-4, atol=1e-5)
    for a, b in zip(got["gradients"], expected["gradients"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


def test_a_preset_gives_the_same_logits(both_backends):
    expected, got = both_backends[PRESET]
    np.testing.assert_allclose(got["outputs"], expected["outputs"], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_presets())
def test_every_preset_gives_the_same_logits(presets_on_both, name):
    expected, got = presets_on_both[name]
    # A mixture multiplies the rounding of its means, 5e-7, by the inverse of a scale: at most 16 * 127.5 = 2,040.
    is_mixture = "mixture" in preset_files.read_metadata(DIRECTORY / name)["network"]["title"]
    np.testing.assert_allclose(got["outputs"], expected["outputs"], atol=1e-3 if is_mixture else 1e-4)


@pytest.mark.parametrize("name", [str(descriptor) for descriptor in CONDITIONED])
def test_images_drawn_completed_and_restored_are_the_same(both_backends, name):
    expected, got = both_backends[name]
    assert len(np.unique(expected["drawn"])) > 3
    assert np.array_equal(got["drawn"], expected["drawn"])
    assert np.array_equal(got["drawn_eagerly"], expected["drawn"])
    assert np.array_equal(got["completed"], expected["completed"])
    assert np.array_equal(got["restored"], expected["restored"])
    assert (expected["restored"] != expected["images"]).any()


@pytest.mark.parametrize("name", [str(descriptor) for descriptor in CONDITIONED])
def test_log_probabilities_are_the_same(both_backends, name):
    expected, got = both_backends[name]
    for key in ("log_prob_map", "log_prob"):
        np.testing.assert_allclose(got[key], expected[key], rtol=1e-4, atol=1e-5)


def test_the_noise_of_a_seed_is_the_same_to_the_bit(both_backends):
    expected = image_noise(image_seeds(np.int32([-5, 7]), np.arange(6, dtype="int32")), (5, 3, 1))
    assert np.array_equal(both_backends["noise"][1], expected)
