"""Masks against the tables of the paper (section 3.4, Figure 2)."""

import numpy as np
import pytest

from pixelrnn_tf.layers import feature_groups, gated_feature_groups, kernel_mask


def test_groups_are_contiguous_and_as_equal_as_possible():
    assert feature_groups(8, 3).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert feature_groups(3, 3).tolist() == [0, 1, 2]
    assert feature_groups(4, 1).tolist() == [0, 0, 0, 0]


def test_each_gate_is_split_for_itself():
    assert gated_feature_groups(16, 3, 4).tolist() == [0, 0, 1, 2] * 4


def test_centre_tap_of_both_masks():
    assert kernel_mask("A", (1, 1), 3, 3, 3)[0, 0].T.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    assert kernel_mask("B", (1, 1), 3, 3, 3)[0, 0].T.tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize(("mask_type", "center"), [("A", 0), ("B", 1)])
def test_spatial_mask_of_a_gray_image(mask_type, center):
    expected = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, center, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert kernel_mask(mask_type, (5, 5), 1, 1)[:, :, 0, 0].tolist() == expected


def test_pixels_before_this_one_are_open_to_every_color():
    mask = kernel_mask("A", (3, 3), 3, 6, 3)
    assert mask[0].all()
    assert mask[1, 0].all()
    assert not mask[1, 2].any()
    assert not mask[2].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("C", (3, 3), 1, 1), 'must be "A" or "B"'),
        (("A", (2, 3), 1, 1), "two odd numbers"),
        (("B", (3, 3), 3, 2, 3), "2 features cannot be split into 3 color groups"),
        (("B", (3, 3), 3, 10, 3, 4), "10 features cannot be split into 4 gates"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        kernel_mask(*arguments)


def test_masks_are_float32():
    assert kernel_mask("A", (7, 7), 3, 6, 3).dtype == np.float32
