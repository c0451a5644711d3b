"""Images with log-probabilities that have gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import log_prob
from pixelrnn_tf.sampling import generate, image_noise, image_seeds, sample_and_log_prob, stateless_seed
from tests.support.networks import all_images, make_network

BETA = 0.15


def energy(images):
    """Ising energy of 2x2 spins without a boundary, each bond once: float32 `(batch,)`."""
    spins = 2.0 * tf.cast(images[..., 0], tf.float32) - 1.0
    vertical = tf.reduce_sum(spins[:, 1:] * spins[:, :-1], (1, 2))
    return -vertical - tf.reduce_sum(spins[:, :, 1:] * spins[:, :, :-1], (1, 2))


def exact_gradient(model):
    """Gradient of E[log q + beta E] over all 16 lattices, one vector of all weights."""
    lattices = all_images((2, 2, 1), 2)
    with tf.GradientTape() as tape:
        nats = log_prob(model, lattices)
        free_energy = tf.reduce_sum(tf.exp(nats) * (nats + BETA * energy(lattices)))
    return flat(tape.gradient(free_energy, model.trainable_variables))


def flat(gradients):
    return np.concatenate([np.ravel(gradient) for gradient in gradients])


def estimated_gradient(model, number, seed):
    with tf.GradientTape() as tape:
        images, nats = sample_and_log_prob(model, number, seed)
        reward = tf.stop_gradient(nats) + BETA * energy(images)
        loss = tf.reduce_mean((reward - tf.reduce_mean(reward)) * nats)
    return flat(tape.gradient(loss, model.trainable_variables))


@pytest.mark.parametrize("block", ["pixel_cnn", pytest.param("diagonal_bilstm", marks=pytest.mark.slow)])
def test_reinforce_estimates_the_gradient_that_enumeration_gives(block):
    model = make_network(block, (2, 2, 1), levels=2, num_blocks=1, hidden=3, head_hidden=3, scale=0.2)
    exact = exact_gradient(model)
    estimates = [estimated_gradient(model, 50_000, seed) for seed in range(4)]
    assert np.abs(exact).max() > 0.01
    assert np.abs(np.mean(estimates, axis=0) - exact).max() < 1e-3
    assert np.abs(estimates[0] - exact).max() > 1e-4, "it is an estimate"


def test_images_are_those_of_generate_and_their_scores_those_of_log_prob():
    model = make_network("row_lstm", (3, 4, 2), num_blocks=1, conditioner=LabelEmbedding(3, 4))
    labels = np.array([0, 2, 1])
    images, nats = sample_and_log_prob(model, 3, 7, labels)
    noise = image_noise(image_seeds(stateless_seed(7), np.arange(3)), model.image_shape)
    assert np.array_equal(images, generate(model, noise, condition=labels))
    np.testing.assert_allclose(nats, log_prob(model, images, labels), rtol=1e-6)


def test_it_runs_inside_a_graph_that_trains():
    model = make_network("pixel_cnn", (3, 3, 1), levels=2, num_blocks=1)
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)

    @tf.function(autograph=False)
    def step(number):
        with tf.GradientTape() as tape:
            images, nats = sample_and_log_prob(model, 64, tf.stack([0, number]))
            reward = tf.stop_gradient(nats) + 2 * energy(images)
            loss = tf.reduce_mean((reward - tf.reduce_mean(reward)) * nats)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return tf.reduce_mean(reward)

    free_energies = [float(step(tf.constant(number))) for number in range(60)]
    assert np.mean(free_energies[-5:]) < np.mean(free_energies[:5]) - 3
    lattices = all_images((3, 3, 1), 2)
    bound = -np.log(np.exp(-2 * np.array(energy(lattices), "float64")).sum())
    assert np.mean(free_energies[-5:]) > bound - 0.2, "the free energy is bounded from below"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0), "num_images must be at least 1"),
        ((3, 0), "condition_features=4, but for the condition none was given"),
        ((3, 0, [0, 1]), "same batch size; got num_images 3, condition 2"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    model = make_network("pixel_cnn", (3, 3, 1), num_blocks=1, conditioner=LabelEmbedding(3, 4))
    with pytest.raises(ValueError, match=message):
        sample_and_log_prob(model, *arguments)
