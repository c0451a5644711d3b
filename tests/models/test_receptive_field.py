"""No output depends on itself or the future, and all of the past that the paper's networks see is seen."""

import numpy as np
import pytest

from tests.support.networks import BLOCK_NAMES
from tests.support.receptive_field import check_receptive_field, expected_field, field_by_change, field_by_gradient

GREY, COLOUR = (12, 16, 1), (12, 16, 3)


@pytest.mark.parametrize("measure", [field_by_gradient, field_by_change])
@pytest.mark.parametrize("num_blocks", [1, 2])
@pytest.mark.parametrize("image_shape", [GREY, COLOUR], ids=["gray", "color"])
@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_receptive_field_is_exact(block, image_shape, num_blocks, measure):
    check_receptive_field(block, num_blocks, image_shape, measure)


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_receptive_field_is_the_same_without_residuals_or_skips(block):
    check_receptive_field(block, 2, (12, 16, 2), residual=False)
    check_receptive_field(block, 2, (12, 16, 2), skips=False)


@pytest.mark.parametrize(
    ("image_shape", "missed", "pairs"), [((28, 28, 1), 648, 306_936), ((32, 32, 3), 2_604, 4_717_056)]
)
def test_the_diagonal_misses_the_end_of_the_row_above_and_nothing_else(image_shape, missed, pairs):
    size = int(np.prod(image_shape))
    past = np.tril(np.ones((size, size), bool), -1)
    field = expected_field("diagonal_bilstm", 7, image_shape)
    assert past.sum() == pairs
    assert (past & ~field).sum() == missed
    assert not (field & ~past).any()


@pytest.mark.parametrize(
    ("block", "num_blocks", "size", "percent"),
    [("row_lstm", 7, 28, 74.4), ("row_lstm", 12, 32, 76.8), ("pixel_cnn", 15, 28, 65.3), ("pixel_cnn", 15, 32, 56.2)],
)
def test_share_of_the_past_seen(block, num_blocks, size, percent):
    field = expected_field(block, num_blocks, (size, size, 1))
    assert round(100 * field.sum() / (size**2 * (size**2 - 1) / 2), 1) == percent
