"""The benchmark: that what is compared does the same work, and that the figures are those they are called."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import __main__ as benchmark
from benchmarks import baselines, flops, sampling, start, training
from pixelrnn_tf.layers import recurrence
from pixelrnn_tf.models import NegativeLogLikelihood, PixelRNN
from tests.support.networks import BLOCK_NAMES, make_network, random_images

TINY = {"image_shape": (6, 6, 1), "levels": 2, "num_blocks": 2, "hidden": 4, "head_hidden": 6}


@pytest.mark.parametrize("block", ["row_lstm", "diagonal_bilstm"])
def test_the_baseline_computes_what_the_network_does(block):
    model = make_network(block, (7, 5, 3))
    images = random_images(model, 4)

    def loss_and_gradients():
        with tf.GradientTape() as tape:
            loss = NegativeLogLikelihood()(images, model(images))
        return loss, tape.gradient(loss, model.trainable_variables)

    loss, gradients = tf.function(loss_and_gradients)()
    baselines.with_autodiff(model)
    expected_loss, expected = tf.function(loss_and_gradients)()
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-6)
    for got, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * float(tf.reduce_max(abs(wanted))))


def test_the_baseline_takes_one_step_per_diagonal_of_one_image(monkeypatch):
    lengths, scan = [], recurrence.scan
    monkeypatch.setattr(
        recurrence,
        "scan",
        lambda f, init, xs, **rest: lengths.append(len(keras.tree.flatten(xs)[0])) or scan(f, init, xs, **rest),
    )
    model = make_network("diagonal_bilstm", (28, 28, 1), num_blocks=1)
    images = random_images(model, 16)
    model(images)
    baselines.with_autodiff(model)(images)
    assert lengths == [4 * 28 + 27, 28 + 27]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_unmasked_twin_has_the_weights_of_the_pixel_cnn(channels):
    arguments = {**TINY, "image_shape": (6, 6, channels), "levels": 5}
    model = PixelRNN(block="pixel_cnn", **arguments)
    twin = baselines.unmasked_pixel_cnn(block="pixel_cnn", **arguments)
    assert twin.count_params() == model.count_params()
    assert twin.output_shape == (None, 6, 6, channels, 5)
    # Its last pixel sees the first and the first sees the last: it has no masks.
    assert [layer.kernel_size for layer in twin.layers if isinstance(layer, keras.layers.Conv2D)].count((3, 3)) == 2


def test_useful_operations_by_hand():
    # Per pixel, gray: stem 24 taps to 8 features; a block 8x4, 5 taps 4x4, 4x8; skips 8x8; head 8x6, 6x6, 6x2.
    stem, block, skip, head = 24 * 8, 8 * 4 + 5 * 16 + 4 * 8, 64, 48 + 36 + 12
    expected = 2 * 36 * 3 * (2 * stem + 3 * (2 * block + 2 * skip + head))
    assert flops.useful_flops(PixelRNN(block="pixel_cnn", **TINY), 3) == expected
    # Row LSTM: 2 taps 8 to 16, 3 taps 4 to 16, 4x8. Diagonal: two of 8 to 16, two of 2 taps 4 to 16, 4x8.
    for name, block in (("row_lstm", 256 + 192 + 32), ("diagonal_bilstm", 256 + 256 + 32)):
        expected = 2 * 36 * 3 * (2 * stem + 3 * (2 * block + 2 * skip + head))
        assert flops.useful_flops(PixelRNN(block=name, **TINY), 3) == expected


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_network_is_timed_beside_what_it_is_compared_with(block):
    result = training.time_network({**TINY, "block": block}, 2, rounds=1)
    names = {"ours", "plain", "plain, XLA"} if block == "pixel_cnn" else {"ours", "baseline"}
    assert set(result["seconds"]) == set(result["peak_bytes"]) == names
    assert all(seconds > 0 for seconds in result["seconds"].values())
    work = flops.useful_flops(PixelRNN(block=block, **TINY), 2)
    assert result["flops"] * result["seconds"]["ours"] == pytest.approx(work)
    line = training.row(result)
    assert line.startswith(f"{block} 2x4")
    assert "times ours" in line


def test_steps_train():
    step = training.prepare({**TINY, "block": "row_lstm"}, "ours", 8)
    assert step() > step() > step(), "Adam lowers the loss on the one batch it has"


def test_sampling_costs_less_than_one_pass_per_sub_pixel():
    model = make_network("row_lstm", (16, 16, 1))
    times = sampling.time_sampling(model, 4, jit_compile=False, repeats=3, naive_pixels=3)
    assert times["first"] > times["batch"] > 0
    assert times["naive"] > 2 * times["batch"]
    assert set(sampling.time_sampling(model, 4, False, 1, naive_pixels=0)) == {"first", "batch", "peak_bytes"}


def test_sampling_prints_what_it_returns(capsys):
    rows = sampling.run({**TINY, "block": "row_lstm"}, [(3, 3), (4, 5)], 2, [False, True], 1, 1)
    printed = [line.split() for line in capsys.readouterr().out.splitlines()[3:-1]]
    assert [line[:2] for line in printed] == [["3x3x1", "off"], ["4x5x1", "off"], ["3x3x1", "on"], ["4x5x1", "on"]]
    for row, line in zip(rows, printed, strict=True):
        assert row["xla"] == (line[1] == "on")
        assert float(line[3].rstrip("s")) == pytest.approx(row["batch"], abs=6e-5)
        assert float(line[4]) == pytest.approx(2 / row["batch"], abs=0.06)
        assert float(line[5]) == pytest.approx(1e3 * row["batch"] / (int(line[0][0]) * int(line[0][2])), abs=6e-5)


def test_the_program_runs_the_parts_it_is_told(tmp_path, capsys):
    told = {"parts": ("sampling",), "network": {"num_blocks": 1}, "sizes": ("3",), "repeats": 1, "out": tmp_path}
    benchmark.main(benchmark.Options(**told))
    assert "diagonal_bilstm 1x16, 2 levels" in capsys.readouterr().out
    results = json.loads((tmp_path / "benchmark.json").read_text())
    assert [row["image_shape"] for row in results["sampling"]] == [[3, 3, 1]] * 2
    assert "training" not in results
    with pytest.raises(
        ValueError,
        match="--parts must be among training, scaling, sampling, compression, start; got speed",
    ):
        benchmark.Options(parts=("speed",))
    with pytest.raises(ValueError, match=r"--sizes must be HEIGHTxWIDTH.* got '3x'"):
        benchmark.Options(sizes=("3x",))


@pytest.mark.slow
def test_a_cold_start_is_timed_part_by_part(capsys):
    results = start.run(1, "digits_diagonal_bilstm")
    assert results["first image"][1] == pytest.approx(sum(list(results.values())[k][1] for k in range(5)))
    assert results["draw seven"][1] < results["trace the sampler and draw an image"][1] / 2, "nothing is traced again"
    assert results["score three"][1] < results["trace the likelihood and score them"][1] / 2
    assert f"{results['first image'][0]:6.2f} s" in capsys.readouterr().out
