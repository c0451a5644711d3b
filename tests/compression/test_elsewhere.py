"""A file decodes wherever its model runs: in another process, on other threads, on another backend, compiled or not."""

import os
import pathlib
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.compression import Codec, decoding
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import MultiScalePixelRNN, PixelRNN
from tests.support.networks import make_network, random_images, randomize

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def encoded():
    """Models of every block, with their images, conditions and files: as XLA and as TensorFlow encodes them."""
    cases = []
    for block, jit_compile, arguments in [
        ("diagonal_bilstm", True, {"levels": 2}),
        ("row_lstm", False, {"levels": 17, "conditioner": LabelEmbedding(5, 3)}),
        ("pixel_cnn", True, {"levels": 256, "condition_features": 2}),
    ]:
        model = make_network(block, (5, 4, 3), **{"num_blocks": 2, "hidden": 4, "head_hidden": 6, **arguments})
        images = random_images(model, 9)
        condition = None
        if model.num_classes:
            condition = np.arange(9) % 5
        elif model.condition_features:
            condition = np.random.default_rng(0).normal(size=(9, 5, 4, 2)).astype("float32")
        data = Codec(model, jit_compile).encode(images, condition).data
        cases.append((model, images, condition, data))
    scales = MultiScalePixelRNN((6, 4, 3), 17, (3, 6), "row_lstm", 1, 4, 4, upsampler_features=4)
    images = random_images(randomize(scales), 9)
    return [*cases, (scales, images, None, Codec(scales, jit_compile=True).encode(images).data)]


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}, 0),
        ({"TF_ENABLE_ONEDNN_OPTS": "0"}, 0),
        ({"TF_ENABLE_ONEDNN_OPTS": "1"}, 1),
        ({"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"}, 2),
    ],
    ids=["jax", "without_onednn", "one_thread", "two_threads"],
)
def test_files_decode_in_another_process(encoded, variables, threads, tmp_path):
    given = [
        (
            keras.saving.serialize_keras_object(model),
            model.get_weights(),
            None if model.num_classes else condition,
            data,
        )
        for model, _, condition, data in encoded
    ]
    (tmp_path / "given.pickle").write_bytes(pickle.dumps(given))
    command = [sys.executable, "-m", "tests.support.compression_twin", tmp_path, str(threads)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = pickle.loads((tmp_path / "decoded.pickle").read_bytes())
    for (_, images, condition, _), (decoded, labels) in zip(encoded, results, strict=True):
        assert np.array_equal(decoded, images)
        assert labels is None or np.array_equal(labels, condition)
    if "KERAS_BACKEND" in variables:
        model, images, condition, _ = encoded[-1]
        assert np.array_equal(Codec(model).decode((tmp_path / "encoded.bin").read_bytes(), condition).images, images)


def test_other_rounding_than_the_encoders_changes_nothing(encoded, monkeypatch):
    exact = decoding.steps_below_highest

    def noisy(logits, offset):
        noise = tf.random.uniform(tf.shape(logits), -1e-12, 1e-12, logits.dtype)
        return exact(logits + noise, offset)

    monkeypatch.setattr(decoding, "steps_below_highest", noisy)
    for model, images, condition, data in encoded[::3]:
        given = None if model.num_classes else condition
        assert np.array_equal(Codec(model).decode(data, given).images, images)
    # Noise of the size of float32's rounding is found, by the checksum.
    monkeypatch.setattr(decoding, "steps_below_highest", lambda logits, offset: exact(logits * (1 + 1e-4), offset))
    model, _, _, data = encoded[0]
    with pytest.raises(ValueError, match="do not decode to what was encoded"):
        Codec(model).decode(data)


def test_a_model_in_half_precision_or_double_makes_the_files_of_its_weights(encoded):
    model, images, _, data = encoded[0]
    other = PixelRNN.from_config({**model.get_config(), "dtype": "mixed_bfloat16"})
    other.set_weights(model.get_weights())
    assert np.array_equal(Codec(other).decode(data).images, images)
