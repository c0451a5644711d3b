"""The comparison of outputs: what it prints, and that a run for a processor time takes that time."""

import pytest

from benchmarks import outputs
from pixelrnn_tf.data import load


def run_of(output, seed, score):
    return {
        "data": "digits",
        "equal": "steps",
        "seed": seed,
        "output": output,
        "steps": 800,
        "seconds": 40.0,
        "seconds_per_step": 0.05,
        "bits_per_dim": score,
        "parameters": 83025,
        "peak_bytes": 3 * 2**20,
    }


def test_the_summary_has_mean_and_range_of_the_seeds():
    runs = [run_of(output, seed, score) for output, seed, score in [("softmax", 0, 2.0), ("softmax", 1, 2.5)]]
    assert outputs.summary(runs).splitlines()[-1] == (
        "| digits | steps | softmax | 83,025 | 800 | 40 s | 50 ms | 3 MiB | 2.250 (2.000 to 2.500) |"
    )


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match=r"--data must be among digits, .*; got mnist"):
        outputs.Options(data=("mnist",))


@pytest.mark.slow
def test_a_run_for_a_processor_time_takes_that_time_and_learns():
    data = load("digits")
    arguments = {"image_shape": data.image_shape, "levels": data.levels, "block": "pixel_cnn"}
    arguments |= {"num_blocks": 1, "hidden": 8, "head_hidden": 8}
    run = outputs.train_and_score(data, arguments, 0, 20, outputs.steps_in(2.0, data, arguments, 0))
    assert run["seconds"] == pytest.approx(2.0, rel=0.6)
    assert run["steps"] > 50
    assert run["bits_per_dim"] < 3.5  # It starts at log2(17) = 4.09.
