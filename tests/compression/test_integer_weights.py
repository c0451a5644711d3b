"""The probabilities of the codec are whole numbers, and the same ones for ever."""

import zlib

import numpy as np
import pytest
from keras import ops

from pixelrnn_tf.compression.encoding import are_certain, guard
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
def test_certain_logits_may_differ_by_the_guard(size):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=size, size=(20_000, 3))
    # Every third lies next to a boundary of the grid, by up to four guards.
    guards = np.array(guard(ops.convert_to_tensor(logits)))
    logits[:, 0] = (np.round(logits[:, 0] * 1024) + 0.5) / 1024 + rng.uniform(-4, 4, len(logits)) * guards[:, 0]
    changed = logits + rng.choice([-1, 1], logits.shape) * 0.98 * guards
    for offset in (0.0, 100.0):
        certain = np.array(are_certain(ops.convert_to_tensor(logits), offset)).all(axis=1)
        same = [np.array(steps_below_highest(ops.convert_to_tensor(x), offset)) for x in (logits, changed)]
        assert np.array_equal(same[0][certain], same[1][certain])
        assert certain.sum() > 1000
        if offset == 0:
            assert (~certain).sum() > 1000
            assert (same[0] != same[1]).any(), "without the guard they would differ"
    assert OFFSETS == 256
