"""One pixel at a time computes what whole maps compute."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import negative_log_likelihood
from pixelrnn_tf.sampling import generate
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.sampling.packing import Packing
from tests.support.networks import BLOCK_NAMES, make_network, random_images


def make_case(block, image_shape, num_blocks, condition_features, **arguments):
    model = make_network(block, image_shape, num_blocks=num_blocks, condition_features=condition_features, **arguments)
    images = random_images(model, 2)
    condition = None
    if condition_features:
        condition = np.random.default_rng(1).normal(size=(2, *image_shape[:2], condition_features)).astype("float32")
    return model, images, condition


def row_of(condition_map, row):
    """The map of a row; one that is the same everywhere has one row."""
    return (
        None if condition_map is None else ops.convert_to_tensor(condition_map)[:, min(row, condition_map.shape[1] - 1)]
    )


def walk(model, images, condition, rows=None, dtype="float32"):
    """Call an incremental network by hand: logits of every sub-pixel when the colors from it on are not yet known."""
    network = IncrementalNetwork(model, dtype)
    condition = model.condition_map(model.convert_condition(condition), dtype)
    height, width, channels = model.image_shape
    caches = network.initial_cache(len(images))
    logits = np.zeros((*images.shape, model.levels), dtype)
    for row in range(height if rows is None else rows):
        context = network.row_context(caches, row_of(condition, row))
        state, records_of_row = network.initial_state(len(images)), []
        for column in range(width):
            here = keras.tree.map_structure(lambda x, c=column: x[:, c], context)
            for k in range(channels):
                pixel = np.where(np.arange(channels) < k, images[:, row, column], 0)
                out, next_state, records = network.decode(network.stem_inputs(pixel), here, state)
                logits[:, row, column, k] = out[:, k]
            scaled = network.stem_inputs(images[:, row, column])
            state, records = network.with_last_color(scaled, here, state, next_state, records)
            records_of_row.append(records)
        stacked = keras.tree.map_structure(lambda *x: ops.stack(x, axis=1), *records_of_row)
        caches = network.next_cache(caches, stacked, row_of(condition, row))
    return logits, caches


CASES = list(itertools.product(BLOCK_NAMES, [(5, 6, 1), (4, 3, 3)], [1, 3], [0, 2]))


@pytest.mark.parametrize(("block", "image_shape", "num_blocks", "condition_features"), CASES)
def test_incremental_logits_equal_the_parallel_ones(block, image_shape, num_blocks, condition_features):
    model, images, condition = make_case(block, image_shape, num_blocks, condition_features)
    expected = np.array(model(images if condition is None else [images, condition]))
    got, _ = walk(model, images, condition)
    assert (np.abs(got - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_incremental_logits_given_labels(block):
    model = make_network(block, (4, 3, 3), conditioner=LabelEmbedding(3, 4))
    images, labels = random_images(model, 4), np.array([0, 2, 1, 2])
    expected = np.array(model([images, labels]))
    got, caches = walk(model, images, labels)
    assert (np.abs(got - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()
    maps = model.condition_map(ops.convert_to_tensor(labels), "float32")
    assert maps.shape == (4, 1, 1, 4)
    prefilled, filled = IncrementalNetwork(model).prefill(model.stem_inputs(images, "float32"), maps, 4)
    np.testing.assert_allclose(prefilled, expected, rtol=1e-5, atol=1e-5)
    for a, b in zip(keras.tree.flatten(filled), keras.tree.flatten(caches), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


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
    logits, got = IncrementalNetwork(model).prefill(model.stem_inputs(images, "float32"), condition, row)
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
    logits, _ = IncrementalNetwork(model).prefill(model.stem_inputs(images, "float32"), None, 2)
    assert (np.abs(np.array(logits) - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


def test_packing_restores_a_structure_with_empty_parts():
    structure = [{}, {"h": np.ones((2, 3)), "c": np.zeros((2, 1))}, [{"inputs": np.full((2, 2), 5.0)}, {}]]
    packing = Packing(structure)
    packed = packing.pack(structure)
    assert packed.shape == (2, 6)
    restored = packing.unpack(packed)
    assert restored[0] == {}
    assert restored[2][1] == {}
    assert restored[1].keys() == {"h", "c"}
    for a, b in zip(keras.tree.flatten(restored), keras.tree.flatten(structure), strict=True):
        assert np.array_equal(a, b)


def test_packing_takes_a_single_tensor():
    assert np.array_equal(Packing([{}, {"h": np.ones((2, 3))}]).unpack(np.ones((2, 3)))[1]["h"], np.ones((2, 3)))


@pytest.mark.parametrize("image_shape", [(5, 6, 1), (4, 3, 3)], ids=["gray", "color"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_in_float64_incremental_logits_equal_the_parallel_ones_to_its_precision(block, image_shape):
    model, images, condition = make_case(block, image_shape, 2, 2, dtype="float64")
    parallel = np.array(model.logits_of_stem_inputs(model.stem_inputs(images), condition.astype("float64")))
    assert parallel.dtype == "float64"
    got, _ = walk(model, images, condition.astype("float64"), dtype="float64")
    prefilled, _ = IncrementalNetwork(model, "float64").prefill(
        model.stem_inputs(images), condition.astype("float64"), 2
    )
    for incremental in (got, np.array(prefilled)):
        assert incremental.dtype == "float64"
        assert (np.abs(incremental - parallel) <= 1e-12 * np.maximum(1, np.abs(parallel))).all()


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_float32_network_generates_in_float64(block):
    model = make_network(block, (4, 5, 3), num_blocks=1)
    exact = make_network(block, (4, 5, 3), num_blocks=1, dtype="float64")
    exact.set_weights(model.get_weights())
    images = random_images(model, 3)
    expected = np.array(exact.logits_of_stem_inputs(exact.stem_inputs(images)))
    got, _ = walk(model, images, None, dtype="float64")
    assert (np.abs(got - expected) <= 1e-12 * np.maximum(1, np.abs(expected))).all()
    noise = np.random.default_rng(3).uniform(size=images.shape)
    known = np.arange(4)[:, None] < np.full((3, 1, 5), 2)
    drawn, log_prob = generate(model, noise, images, known, return_log_prob=True, dtype="float64")
    nats = negative_log_likelihood(drawn, exact.logits_of_stem_inputs(exact.stem_inputs(drawn)))
    np.testing.assert_allclose(log_prob, -np.array(nats), rtol=1e-12)
    assert np.array_equal(drawn, generate(exact, noise, images, known, dtype="float64"))
