"""The probabilities of the codec are whole numbers, and the same ones for ever."""

import zlib

import numpy as np
import pytest
from keras import ops

from pixelrnn_tf.compression.encoding import forbidden_offsets, guard
from pixelrnn_tf.compression.integer_weights import OFFSETS, steps_below_highest, weight_table, weights_of


def test_weights_are_rounded_exponentials():
    table = weight_table()
    assert np.array_equal(table, np.rint(2.0**30 * np.exp(-np.arange(len(table)) / 1024)))
    assert list(table[[0, 1, 1024, -2, -1]]) == [2**30, 1072693760, 395007542, 1, 0]


def test_the_table_is_a_file_format():
    assert zlib.crc32(weight_table().astype("<u4").tobytes()) == 665832101


def test_steps_are_counted_from_the_highest_logit():
    logits = ops.convert_to_tensor(np.array([[0.0, -1.0, 3.0, -1e9], [5.00048, 5.0, 5.0, 5.0]]))
    steps = np.array(steps_below_highest(logits, 0.0))
    assert steps.tolist() == [[3072, 4096, 0, 22004], [0, 0, 0, 0]]
    assert np.array(steps_below_highest(logits, 10.0))[1].tolist() == [0, 1, 1, 1]
    assert weights_of(steps)[0, -1] == 0


@pytest.mark.parametrize("size", [1.0, 300.0])
def test_at_an_allowed_offset_logits_may_differ_by_the_guard(size):
    rng = np.random.default_rng(0)
    allowed, differ = [], []
    for _ in range(300):
        logits, offset = rng.normal(loc=size, size=(4, 3)), float(rng.integers(OFFSETS))
        # One logit lies next to a boundary of the grid, by up to four guards.
        guards = np.array(guard(ops.convert_to_tensor(logits)))
        boundary = np.round(logits[0, 0] * 1024) + 0.5 - offset / 256
        logits[0, 0] = boundary / 1024 + rng.uniform(-4, 4) * guards[0, 0]
        changed = logits + rng.choice([-1, 1], logits.shape) * 0.98 * guards
        same = [np.array(steps_below_highest(ops.convert_to_tensor(x), offset)) for x in (logits, changed)]
        allowed.append(not forbidden_offsets(ops.convert_to_tensor(logits))[int(offset)])
        differ.append((same[0] != same[1]).any())
    assert not np.any(np.array(allowed) & np.array(differ))
    assert 50 < np.sum(allowed) < 280
    assert np.sum(differ) > 20, "without the guard they would differ"


def test_offsets_are_forbidden_by_the_definition():
    rng = np.random.default_rng(0)
    logits, sensitivity = rng.normal(scale=3.0, size=(100, 4)), 10.0 ** rng.uniform(5.0, 5.9, (100, 4))
    logits[:, 1] -= 40  # Below a weight of 2^30 e^-22.
    counted = rng.random((100, 1)) < 0.5
    expected = []
    for offset in range(OFFSETS):
        positions = logits * 1024 + offset / 256
        near = 0.5 - np.abs(positions - np.rint(positions)) <= 1024 * np.array(guard(logits, sensitivity))
        has_weight = positions.max(axis=-1, keepdims=True) - positions < len(weight_table())
        expected.append((near & has_weight & counted).any())
    forbidden = forbidden_offsets(ops.convert_to_tensor(logits), ops.convert_to_tensor(sensitivity), counted)
    assert np.array(forbidden).tolist() == expected
    assert 20 < sum(expected) < 200


@pytest.mark.parametrize("logit", [np.nan, np.inf, 1e8])
def test_logits_that_float64_cannot_separate_forbid_every_offset(logit):
    logits = ops.convert_to_tensor(np.array([[0.3, 0.1], [logit, 0.2]]))
    assert np.array(forbidden_offsets(logits)).all()
    assert not np.array(forbidden_offsets(logits, coded=np.array([[True], [False]]))).any()
