"""Networks that start from the weights of smaller or unconditional ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import MultiScalePixelRNN, PixelRNN, log_prob
from pixelrnn_tf.training.initialization import start_from
from tests.support.networks import BLOCK_NAMES, make_network, random_images, randomize


@pytest.mark.parametrize(("block", "skips"), [*((block, True) for block in BLOCK_NAMES), ("pixel_cnn", False)])
def test_a_deeper_network_computes_the_same_at_first_and_learns_in_every_block(block, skips, tmp_path):
    shallow = make_network(block, (3, 3, 1), skips=skips)
    shallow.save(tmp_path / "shallow.keras")
    deeper = PixelRNN(**{**shallow.get_config(), "num_blocks": 4})
    start_from(deeper, tmp_path / "shallow.keras")
    images = random_images(shallow, 8)
    np.testing.assert_allclose(log_prob(deeper, images), log_prob(shallow, images), rtol=1e-6)
    before = [weight.numpy() for weight in deeper.weights]
    deeper.compile(keras.optimizers.Adam(0.01), jit_compile=False, run_eagerly=True)
    deeper.fit(images, batch_size=8, epochs=3, verbose=0)
    still = [w.path for w, old in zip(deeper.weights, before, strict=True) if np.array_equal(w, old)]
    assert not still


def test_both_scales_and_a_label_may_come_at_once(tmp_path):
    arguments = {"block": "row_lstm", "hidden": 4, "head_hidden": 5}
    scales = {"scales": (3, 6), "upsampler_features": 3}
    shallow = randomize(MultiScalePixelRNN((6, 6, 1), 2, num_blocks=1, **arguments, **scales))
    shallow.save(tmp_path / "scales.keras")
    deeper = MultiScalePixelRNN((6, 6, 1), 2, num_blocks=2, **arguments, **scales)
    start_from(deeper, tmp_path / "scales.keras")
    images = random_images(shallow, 3)
    np.testing.assert_allclose(log_prob(deeper, images), log_prob(shallow, images), rtol=1e-6)

    plain = make_network("row_lstm", (4, 4, 1), num_blocks=1)
    plain.save(tmp_path / "plain.keras")
    labelled = PixelRNN(**{**plain.get_config(), "num_blocks": 3, "conditioner": LabelEmbedding(2, 3)})
    start_from(labelled, tmp_path / "plain.keras")
    images = random_images(plain, 2)
    np.testing.assert_allclose(log_prob(labelled, images, np.array([0, 1])), log_prob(plain, images), rtol=1e-6)


def test_only_blocks_with_a_residual_connection_can_be_added_and_none_removed(tmp_path):
    three = make_network("pixel_cnn", (4, 4, 1), num_blocks=3, residual=False)
    three.save(tmp_path / "three.keras")
    for number in (2, 4):
        other = PixelRNN(**{**three.get_config(), "num_blocks": number})
        with pytest.raises(ValueError, match=rf"another network \(num_blocks: 3 there, {number} now"):
            start_from(other, tmp_path / "three.keras")


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_conditional_run_starts_from_an_unconditional_model(block, tmp_path):
    saved = make_network(block, (4, 4, 1), num_blocks=1)
    saved.save(tmp_path / "saved.keras")
    model = make_network(block, (4, 4, 1), num_blocks=1, conditioner=LabelEmbedding(3, 2), seed=1)
    start_from(model, tmp_path / "saved.keras")
    images = random_images(model, 3)
    for labels in ([0, 1, 2], [2, 2, 2]):
        assert np.array_equal(model([images, np.array(labels)]), saved(images)), "labels change nothing yet"
    with tf.GradientTape() as tape:
        nats = tf.reduce_sum(model.log_prob_of(images, images, np.array([0, 1, 2])))
    projections = [weight for weight in model.weights if "condition_kernel" in weight.path]
    assert projections
    assert all(np.any(gradient) for gradient in tape.gradient(nats, projections)), "but they can be learned"
    with pytest.raises(ValueError, match="holds another network"):
        start_from(make_network(block, (4, 4, 1), hidden=6, conditioner=LabelEmbedding(3, 2)), tmp_path / "saved.keras")
