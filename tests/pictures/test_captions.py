"""Words around a grid leave the grid as it is."""

import numpy as np
import pytest

from pixelrnn_tf.pictures.captions import MARGIN, with_words


@pytest.mark.parametrize("channels", [1, 3])
def test_words_are_around_the_grid(channels):
    grid = np.random.RandomState(0).randint(0, 256, (60, 90, channels)).astype("uint8")
    assert np.array_equal(with_words(grid), grid)
    written = with_words(grid, rows=["cat", "dog", "a much longer name"], columns=["one", "two"], title="Pictures")
    assert np.array_equal(written[-60:, -90:], grid)
    left, above = written[-60:, :-90], written[:-60]
    assert left.shape[1] > 60
    for k in range(3):
        row = left[20 * k : 20 * k + 20]
        assert row.min() < 100, "a word"
        assert (row[:, -MARGIN + 1 :] == 255).all(), "that does not touch the grid"
    dark = (left < 128).any(-1).sum(1).reshape(3, 20).sum(1)
    assert dark[2] > 2 * dark[0], "names stand in their order"
    for side in (above[:, -90:-45], above[:, -45:]):
        assert side.min() < 100


def test_words_that_do_not_fit_become_smaller_and_long_ones_shorter():
    grid = np.zeros((40, 64, 1), "uint8")
    narrow = with_words(grid, columns=["original", "given"])
    assert narrow.shape[1] == 64
    long = with_words(grid, rows=["x" * 500])
    assert long.shape[1] < 600
