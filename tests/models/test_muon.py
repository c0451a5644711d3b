"""The optimizer Muon: its step by hand, the weights it leaves to Adam, and its configuration."""

import keras
import numpy as np
import pytest

from pixelrnn_tf import Muon
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import MultiScalePixelRNN, PixelRNN


def test_the_first_step_is_the_nearest_orthogonal_matrix_to_the_gradient():
    rng = np.random.default_rng(0)
    gradient = rng.standard_normal((3, 1, 4, 8)).astype("float32")
    kernel = keras.Variable(np.zeros_like(gradient), name="kernel")
    Muon(0.5).apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    u, _, v = np.linalg.svd(gradient.reshape(12, 8), full_matrices=False)
    moved = -np.array(kernel).reshape(12, 8) / (0.5 * 0.2 * 12**0.5)
    # The singular vectors stay, and five iterations bring the singular values near 1 (Jordan et al. 2024).
    values = u.T @ moved @ v.T
    assert values == pytest.approx(np.diag(np.diag(values)), abs=1e-4)
    assert np.diag(values) == pytest.approx(np.ones(8), abs=0.35)


def test_taps_without_a_gradient_do_not_move():
    gradient = np.random.default_rng(0).standard_normal((3, 3, 4, 8)).astype("float32")
    gradient[2] = gradient[1, 2] = 0.0  # The taps that a mask closes.
    kernel = keras.Variable(np.ones_like(gradient), name="kernel")
    optimizer = Muon(0.5)
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    moved = np.abs(np.array(kernel) - 1.0).max(axis=(2, 3))
    assert (moved > 0).tolist() == [[True, True, True], [True, True, False], [False, False, False]]


@pytest.mark.parametrize(
    ("model", "adam", "muon"),
    [
        (
            lambda: PixelRNN((4, 4, 1), 3, "row_lstm", 1, 4, 4, conditioner=LabelEmbedding(3, 2)),
            {"bias", "initial_h", "initial_c", "embeddings", "head/logits/kernel"},
            {"kernel", "condition_kernel", "state_to_state"},
        ),
        (
            lambda: MultiScalePixelRNN((4, 4, 1), 3, (2, 4), "pixel_cnn", 1, 4, 4),
            {"bias", "bias_0", "bias_1", "head/logits/kernel"},
            {"kernel", "kernel_0", "kernel_1", "condition_kernel"},
        ),
    ],
)
def test_adam_updates_what_is_not_a_matrix_and_the_logits(model, adam, muon):
    weights = model().trainable_weights
    optimizer = Muon(0.1)
    optimizer.build(weights)
    by_adam, by_muon = [], []
    for weight, velocity in zip(weights, optimizer.adam_velocities, strict=True):
        (by_muon if velocity is None else by_adam).append(weight)
    assert {next(name for name in adam if weight.path.endswith(f"/{name}")) for weight in by_adam} == adam
    assert {weight.name for weight in by_muon} == muon


def test_a_compiled_model_keeps_its_optimizer(tmp_path):
    model = PixelRNN((4, 4, 1), 3, "pixel_cnn", 1, 4, 4)
    model.compile(Muon(0.01, weight_decay=0.1, momentum=0.9, rms_rate=0.3), jit_compile=False)
    images = np.random.default_rng(0).integers(0, 3, (8, 4, 4, 1)).astype("uint8")
    before = model.evaluate(images, verbose=0)
    model.fit(images, epochs=20, verbose=0)
    assert model.evaluate(images, verbose=0) < before
    model.save(tmp_path / "model.keras")
    optimizer = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert type(optimizer) is Muon
    assert optimizer.get_config() == model.optimizer.get_config()
    assert (optimizer.weight_decay, optimizer.momentum, optimizer.rms_rate) == (0.1, 0.9, 0.3)
    for ours, its in zip(model.optimizer.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.array(its), np.array(ours))
