"""The benchmark of restoration counts what it says."""

import numpy as np

from benchmarks import restoration


def test_a_share_of_the_pixels_gets_another_value():
    images = np.zeros((50, 20, 20, 1), "uint8")
    assert (restoration.damage(images, 2, 0.03, 0) != images).mean() == np.mean(restoration.damage(images, 2, 0.03, 0))
    assert 0.027 < restoration.damage(images, 2, 0.03, 0).mean() < 0.033
    color = restoration.damage(np.full((50, 20, 20, 3), 100, "uint8"), 256, 0.03, 0)
    assert set(np.unique(color)) == {0, 100, 255}
    assert (color == color[..., :1]).all()


def test_a_median_filter_removes_a_single_pixel():
    image = np.zeros((1, 5, 5, 1), "uint8")
    image[0, 2, 2] = 9
    assert not restoration.median_filter(image).any()
    image[0, :, 3:] = 9
    assert restoration.median_filter(image)[0, 1, :, 0].tolist() == [0, 0, 0, 9, 9]


def test_a_line_counts_sub_pixels():
    images = np.zeros((1, 10, 10, 1), "uint8")
    damaged, restored = images.copy(), images.copy()
    damaged[0, 0, :4] = 1
    restored[0, 0, 0] = restored[0, 5, :3] = 1
    assert restoration.line("4 bits", images, damaged, restored).split() == [
        *("4", "bits", "75.0%", "3.12%", "4.00%", "0.0400")
    ]
