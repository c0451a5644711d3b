"""Dropout while training: what is dropped, from what seed, and that nothing leaks."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.training.dropout import origins, parameters_with_dropout
from tests.support.networks import BLOCK_NAMES, make_network, random_images
from tests.support.training_runs import opened, steps, tiny_config


def origin(images, step=7, first=0, seed=0):
    return origins(seed, tf.constant(step, tf.int64), tf.constant(first), images)


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_at_rate_zero_it_is_the_network(block):
    model = make_network(block, (3, 4, 3))
    images = random_images(model, 2)
    np.testing.assert_allclose(parameters_with_dropout(model, images, origin(2), 0.0), model(images), atol=1e-6)


@pytest.mark.parametrize("residual", [True, False])
def test_features_of_a_block_are_dropped_everywhere_or_kept_and_scaled(residual):
    """With one block and a head that is linear in it, what is kept is twice as large, and what is dropped is zero."""
    model = make_network("row_lstm", (3, 4, 1), num_blocks=1, residual=residual, skips=False)
    images = random_images(model, 4)
    seen = []
    model.compose, compose = None, model.compose

    def composed(x, apply):
        def watched(part, values):
            outputs = apply(part, values)
            if part is model.blocks[0]:
                seen.append((np.array(values), np.array(outputs)))
            return outputs

        return compose(x, watched)

    model.compose = composed
    model(images)
    parameters_with_dropout(model, images, origin(4), 0.5)
    (inputs, whole), (_, dropped) = seen
    if residual:
        whole, dropped = whole - inputs, dropped - inputs
    ratio = dropped / whole
    is_kept = ratio[:, :1, :1] > 1
    np.testing.assert_allclose(ratio, np.broadcast_to(2.0 * is_kept, ratio.shape), atol=1e-3)
    assert 10 < is_kept.sum() < 30  # Of 40.
    assert (is_kept[0] != is_kept[1]).any()


def test_what_an_image_loses_depends_on_seed_step_and_number_alone():
    model = make_network("pixel_cnn", (3, 4, 1))
    images = random_images(model, 1).repeat(6, axis=0)
    whole = np.array(parameters_with_dropout(model, images, origin(6), 0.5))
    part = parameters_with_dropout(model, images[2:5], origin(3, first=2), 0.5)
    np.testing.assert_allclose(part, whole[2:5], atol=1e-6)
    for other in (origin(6, step=8), origin(6, seed=1), origin(6, seed=2**32 - 1)):
        assert np.abs(parameters_with_dropout(model, images, other, 0.5) - whole).max() > 0.01
    assert np.abs(whole[0] - whole[1]).max() > 0.01


def test_no_later_pixel_reaches_an_earlier_one():
    model = make_network("diagonal_bilstm", (3, 3, 3))
    images = random_images(model, 1)
    before = np.array(parameters_with_dropout(model, images, origin(1), 0.5)).reshape(27, -1)
    reached = 0
    for k in range(27):
        changed = images.copy()
        changed.reshape(-1)[k] = (changed.reshape(-1)[k] + 1) % 4
        after = np.array(parameters_with_dropout(model, changed, origin(1), 0.5)).reshape(27, -1)
        assert np.array_equal(after[: k + 1], before[: k + 1])
        reached += not np.array_equal(after[k + 1 :], before[k + 1 :])
    assert reached > 20  # The last sub-pixel reaches nothing, and one whose only ways are dropped nothing either.


def test_a_run_drops_while_it_trains_and_is_scored_whole(tmp_path):
    losses = {}
    for rate in (0.0, 0.5):
        training = opened(tiny_config(dropout=rate, jit_compile="false"), tmp_path / f"{rate}")
        losses[rate] = [loss for loss, *_ in steps(training, 2)]
        first = training.evaluator.score(training.data, "validation", 50)
        assert training.evaluator.score(training.data, "validation", 50) == first
    assert abs(losses[0.0][0] - losses[0.5][0]) > 1e-3
