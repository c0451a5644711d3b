"""Time training steps next to baselines, all in turns in one process.

A step is loss, gradients and the update by Adam, as `trainers.train` compiles it, with XLA according to
--jit_compile=auto. Next to it run, where applicable:

- the baseline: the same network without XLA, its loop differentiated by TensorFlow (for the two LSTMs);
- the plain network: the same layers as `keras.layers.Conv2D` without masks, with and without XLA (for the PixelCNN);
- the network with a class as its condition, as with `--class_conditional` (for `benchmarks.classes`);
- the plain product: (batch * rows, 2h) by (2h, 4h) in float32, repeatedly, as the limit of the machine.

The useful operations of a step are those of its products (`benchmarks.flops`), without padding.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from benchmarks import baselines
from benchmarks.flops import useful_flops
from benchmarks.memory import mebibytes, peak_bytes
from pixelrnn_cli.train_config import CLASS_FEATURES
from pixelrnn_tf.devices.strategies import parts_for_cores, uses_xla
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import PixelRNN, get_preset
from pixelrnn_tf.training.gradients import loss_and_gradients, sum_of_parts

Step = Callable[[], object]
Name = TypeVar("Name")


def _network(preset: str, **changes: Any) -> dict[str, Any]:
    return {**get_preset(preset).arguments, **changes}


CLASSES = 10
STEPS_PER_TURN = 5  # After one that is not timed.
# Networks, their batch sizes, and a flag to run the baselines.
NETWORKS = [
    (_network("mnist_diagonal_bilstm_7x16"), 16, True),
    (_network("mnist_diagonal_bilstm_7x16", block="row_lstm"), 16, True),
    (_network("mnist_diagonal_bilstm_7x16", block="pixel_cnn", num_blocks=15), 16, True),
    (_network("mnist_diagonal_bilstm_1x32"), 16, True),
    (_network("mnist_diagonal_bilstm_1x32", image_shape=(32, 32, 3), levels=256), 4, True),
    (_network("cifar10_diagonal_bilstm"), 4, False),
]


def run(rounds: int) -> list[dict[str, Any]]:
    """Time the networks and print a table.

    Args:
        rounds: number of rounds, whose medians are printed.

    Returns:
        the result of `time_network` for each.
    """
    print(f"training steps, medians of {rounds}\n{HEADER}", flush=True)
    results = []
    for arguments, batch_size, beside in NETWORKS:
        results.append(time_network(arguments, batch_size, rounds, beside))
        print(row(results[-1]), flush=True)
    return results


def _ours(arguments: dict[str, Any]) -> tuple[keras.Model, bool]:
    model = PixelRNN(**arguments)
    return model, uses_xla("auto", model.block)


VARIANTS: dict[str, Callable[[dict[str, Any]], tuple[keras.Model, bool]]] = {
    "ours": _ours,
    "given classes": lambda arguments: _ours({**arguments, "conditioner": LabelEmbedding(CLASSES, CLASS_FEATURES)}),
    "baseline": lambda arguments: (baselines.with_autodiff(PixelRNN(**arguments)), False),
    "plain": lambda arguments: (baselines.unmasked_pixel_cnn(**arguments), False),
    "plain, XLA": lambda arguments: (baselines.unmasked_pixel_cnn(**arguments), True),
}


def prepare(arguments: dict[str, Any], variant: str, batch_size: int) -> Step:
    """Make a training step of one variant, on one batch of random images.

    Args:
        arguments: arguments of `PixelRNN`.
        variant: a key of `VARIANTS`.
        batch_size: images per step.
    """
    model, jit_compile = VARIANTS[variant](arguments)
    rng, optimizer = np.random.default_rng(0), keras.optimizers.Adam()
    images = tf.constant(rng.integers(0, arguments["levels"], (batch_size, *arguments["image_shape"])), tf.uint8)
    labels = tf.constant(rng.integers(0, CLASSES, batch_size), tf.int32)
    batch = {"images": images, "condition": labels} if variant == "given classes" else images
    optimizer.build(model.trainable_variables)
    of_part = loss_and_gradients(model, jit_compile=jit_compile)

    @tf.function(autograph=False)
    def update(batch):
        count, scale = tf.constant(float(batch_size)), tf.constant(1.0)
        parts = parts_for_cores(batch, jit_compile)
        nowhere = tf.zeros((batch_size // len(parts), 3), tf.int32)  # Unused without dropout.
        loss, gradients = sum_of_parts([of_part(part, nowhere, count, scale) for part in parts])
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return lambda: update(batch).numpy()


def _timed(step: Step, times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        step()
    return (time.perf_counter() - start) / times


def time_in_turns(steps: Mapping[Name, Step], rounds: int) -> dict[Name, float]:
    """Measure the median seconds of every step over rounds, after a first call that compiles it.

    In a round each step has a turn, in which it runs several times: as in training, a step follows one of the same
    kind, with the same state of caches and memory.

    Args:
        steps: steps to time, by name.
        rounds: number of rounds, whose medians are returned.
    """
    for step in steps.values():
        step()
    seconds: dict[Name, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step()
            seconds[name].append(_timed(step, STEPS_PER_TURN))
    return {name: statistics.median(values) for name, values in seconds.items()}


def time_network(arguments: dict[str, Any], batch_size: int, rounds: int, with_others: bool = True) -> dict[str, Any]:
    """Measure times and memory of one network and of its baselines.

    Args:
        arguments: arguments of `PixelRNN`.
        batch_size: images per step.
        rounds: number of rounds, whose medians are returned.
        with_others: run the baselines too.

    Returns:
        `seconds` and `peak_bytes` by variant; `flops`, the useful operations per second; and `product_flops`, those of
        the plain product.
    """
    height, _, _ = arguments["image_shape"]
    others = ["plain", "plain, XLA"] if arguments["block"] == "pixel_cnn" else ["baseline"]
    steps = {variant: prepare(arguments, variant, batch_size) for variant in ["ours", *(others if with_others else [])]}
    rows, hidden, repeats = batch_size * height, arguments["hidden"], 200
    product = baselines.plain_product(rows, hidden, repeats)
    seconds = time_in_turns({**steps, "product": lambda: product().numpy()}, rounds)
    product_seconds = seconds.pop("product")
    return {
        "arguments": arguments,
        "batch_size": batch_size,
        "seconds": seconds,
        "peak_bytes": {variant: peak_bytes(step) for variant, step in steps.items()},
        "flops": useful_flops(PixelRNN(**arguments), batch_size) / seconds["ours"],
        "product_flops": 2 * rows * 2 * hidden * 4 * hidden * repeats / product_seconds,
    }


HEADER = (
    f"{'network':<24} {'image':>9} {'batch':>5} {'step':>9} {'images/s':>9} {'peak MiB':>8} {'GFLOP/s':>8} "
    f"{'product':>8} {'share':>6}  baselines"
)


def row(result: dict[str, Any]) -> str:
    """Format a line of the table."""
    arguments, seconds, peaks = result["arguments"], result["seconds"], result["peak_bytes"]
    network = f"{arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}"
    beside = [
        f"{name}: {1e3 * value:.1f} ms, {value / seconds['ours']:.2f} times ours, {mebibytes(peaks[name])} MiB"
        for name, value in seconds.items()
        if name != "ours"
    ]
    return (
        f"{network:<24} {'x'.join(map(str, arguments['image_shape'])):>9} {result['batch_size']:>5} "
        f"{1e3 * seconds['ours']:6.1f} ms {result['batch_size'] / seconds['ours']:9.1f} {mebibytes(peaks['ours']):>8} "
        f"{result['flops'] / 1e9:8.1f} {result['product_flops'] / 1e9:8.1f} "
        f"{result['flops'] / result['product_flops']:6.0%}  {'; '.join(beside)}"
    )
