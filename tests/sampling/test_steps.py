"""One pixel at a time computes what whole maps compute."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from pixelrnn_tf.sampling.steps import NetworkSteps, Packing
from tests.support.networks import BLOCK_NAMES, make_network, random_images


def make_case(block, image_shape, num_blocks, condition_features, **arguments):
    model = make_network(block, image_shape, num_blocks=num_blocks, condition_features=condition_features, **arguments)
    images = random_images(model, 2)
    condition = None
    if condition_features:
        condition = np.random.default_rng(1).normal(size=(2, *image_shape[:2], condition_features)).astype("float32")
    return model, images, condition


def row_of(condition, row):
    return None if condition is None else ops.convert_to_tensor(condition[:, row])


def walk(model, images, condition, rows=None):
    """Drive the protocol by hand: logits of every sub-pixel when the colours from it on are not yet known."""
    steps = NetworkSteps(model)
    height, width, channels = model.image_shape
    caches = steps.start(len(images))
    logits = np.zeros((*images.shape, model.levels), "float32")
    for row in range(height if rows is None else rows):
        above = steps.above(caches, row_of(condition, row))
        left, rows_records = steps.left(len(images)), []
        for column in range(width):
            here = keras.tree.map_structure(lambda x, c=column: x[:, c], above)
            for k in range(channels):
                pixel = np.where(np.arange(channels) < k, images[:, row, column], 0)
                out, after, records = steps.step(model.scale(pixel, "float32"), here, left)
                logits[:, row, column, k] = out[:, k]
            steps.enter(model.scale(images[:, row, column], "float32"), here, left, after, records)
            left = after
            rows_records.append(records)
        stacked = keras.tree.map_structure(lambda *x: ops.stack(x, axis=1), *rows_records)
        caches = steps.finish(caches, stacked, row_of(condition, row))
    return logits, caches


CASES = list(itertools.product(BLOCK_NAMES, [(5, 6, 1), (4, 3, 3)], [1, 3], [0, 2]))


@pytest.mark.parametrize(("block", "image_shape", "num_blocks", "condition_features"), CASES)
def test_incremental_logits_equal_the_parallel_ones(block, image_shape, num_blocks, condition_features):
    model, images, condition = make_case(block, image_shape, num_blocks, condition_features)
    expected = np.array(model(images if condition is None else [images, condition]))
    got, _ = walk(model, images, condition)
    assert (np.abs(got - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


@pytest.mark.parametrize("switched_off", ["residual", "skips"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_incremental_logits_without_residuals_or_skips(block, switched_off):
    model, images, _ = make_case(block, (5, 4, 3), 2, 0, **{switched_off: False})
    expected = np.array(model(images))
    assert (np.abs(walk(model, images, None)[0] - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


@pytest.mark.parametrize("row", [0, 2, 5])
@pytest.mark.parametrize(("block", "condition_features"), list(itertools.product(BLOCK_NAMES, [0, 2])))
def test_caches_filled_by_one_pass_equal_those_of_the_rows_before(block, condition_features, row):
    model, images, condition = make_case(block, (5, 4, 3), 2, condition_features)
    _, expected = walk(model, images, condition, rows=row)
    logits, got = NetworkSteps(model).fill(model.scale(images, "float32"), condition, row)
    for a, b in zip(keras.tree.flatten(got), keras.tree.flatten(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    parallel = model(images if condition is None else [images, condition])
    np.testing.assert_allclose(logits, parallel, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float64"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_steps_run_in_float32_under_every_policy(block, policy):
    model, images, _ = make_case(block, (4, 4, 3), 2, 0, dtype=policy)
    exact = make_network(block, (4, 4, 3))
    exact.set_weights(model.get_weights())
    expected = np.array(exact(images))
    assert (np.abs(walk(model, images, None)[0] - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()
    logits, _ = NetworkSteps(model).fill(model.scale(images, "float32"), None, 2)
    assert (np.abs(np.array(logits) - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


def test_packing_restores_a_structure_with_empty_parts():
    structure = [(), (np.ones((2, 3)), np.zeros((2, 1))), [np.full((2, 2), 5.0), ()]]
    packing = Packing(structure)
    packed = packing.pack(structure)
    assert packed.shape == (2, 6)
    restored = packing.unpack(packed)
    assert restored[0] == ()
    assert restored[2][1] == ()
    for a, b in zip(keras.tree.flatten(restored), keras.tree.flatten(structure), strict=True):
        assert np.array_equal(a, b)
