"""The training loop is as fast as Keras's `fit`."""

import pytest

from pixelrnn_tf.models import get_preset
from tests.support.training_runs import TINY
from trainers.benchmarks.loop_vs_fit import compare


def test_both_rates_are_measured():
    arguments = {"image_shape": (4, 4, 1), "levels": 2, **TINY}
    loop, fit = compare(arguments, batch_size=4, steps=3, rounds=1)
    assert 1 < loop < 1e6
    assert 1 < fit < 1e6


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["mnist_diagonal_bilstm_1x32", "digits_diagonal_bilstm"])
def test_the_loop_is_within_five_per_cent_of_fit_or_faster(preset):
    loop, fit = compare(get_preset(preset).arguments, batch_size=16, steps=15, rounds=7)
    assert loop > 0.95 * fit, f"loop {loop:.1f} images/s, fit {fit:.1f} images/s"
