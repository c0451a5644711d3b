"""Time sampling next to a naive sampler.

The naive sampler runs the full network for every sub-pixel. It runs in the same process and compile mode, but only for
a few sub-pixels; its time for a batch is extrapolated from their median. Times are medians after the first call, which
builds and compiles the graph.
"""

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.memory import mebibytes, peak_bytes
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.sampling import draw_level, generate


def median_seconds(run: Callable[[], tf.Tensor], repeats: int) -> tuple[float, float]:
    """Measure the seconds of the first call, and the median of `repeats` more."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        np.array(run())
        times.append(time.perf_counter() - start)
    return times[0], statistics.median(times[1:])


def naive_step(model: PixelRNN, jit_compile: bool) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    """Make the step of a naive sampler for one sub-pixel: run the full network, use one of its distributions."""
    size = math.prod(model.image_shape)

    @tf.function(jit_compile=jit_compile)
    def step(flat, noise, position):
        images = tf.reshape(flat, (-1, *model.image_shape))
        logits = tf.gather(tf.reshape(model(images), (-1, size, model.levels)), position, axis=1)
        drawn = draw_level(logits, noise)
        return tf.where(tf.range(size) == position, drawn[:, None], flat)

    return step


def time_sampling(
    model: PixelRNN, batch_size: int, jit_compile: bool, repeats: int, naive_pixels: int
) -> dict[str, Any]:
    """Time one batch, in seconds: `first`, `batch`, and `naive` (extrapolated; absent for 0 pixels).

    The result also has `peak_bytes`, the memory of one batch, without the noise.
    """
    noise = tf.random.stateless_uniform((batch_size, *model.image_shape), (0, 0))
    run = tf.function(lambda noise: generate(model, noise), jit_compile=jit_compile)
    first, batch = median_seconds(lambda: run(noise), repeats)
    times = {"first": first, "batch": batch, "peak_bytes": peak_bytes(lambda: np.array(run(noise)))}
    if naive_pixels:
        size = math.prod(model.image_shape)
        step, flat = naive_step(model, jit_compile), tf.zeros((batch_size, size), tf.int32)
        _, one = median_seconds(lambda: step(flat, noise[:, 0, 0, 0], tf.constant(size // 2)), naive_pixels)
        times["naive"] = one * size
    return times


def run(
    arguments: dict[str, Any],
    sizes: list[tuple[int, int]],
    batch_size: int,
    modes: list[bool],
    repeats: int,
    naive_pixels: int,
) -> list[dict[str, Any]]:
    """Time the sampling of one network for images of several sizes, and print the results.

    Args:
        arguments: arguments of `PixelRNN`; the height and width are replaced.
        sizes: heights and widths.
        batch_size: images per batch.
        modes: compile modes of the samplers, with XLA or not.
        repeats: number of batches to time; the median is printed.
        naive_pixels: sub-pixels for which the naive sampler is timed; 0 omits it.

    Returns:
        one row per mode and size, as printed, in seconds and bytes.
    """
    channels, rows = arguments["image_shape"][-1], []
    network = f"{arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}, {arguments['levels']} levels"
    print(f"{network}\nsampling, batch {batch_size}, medians of {repeats}")
    print(
        f"{'size':>9} {'XLA':>5} {'first':>8} {'batch':>10} {'images/s':>9} {'ms/pixel':>9} {'peak MiB':>8} "
        f"{'naive*':>9} {'ratio':>7}"
    )
    for jit_compile in modes:
        for height, width in sizes:
            model = PixelRNN(**{**arguments, "image_shape": (height, width, channels)})
            times = time_sampling(model, batch_size, jit_compile, repeats, naive_pixels)
            naive = f"{times['naive']:8.1f}s {times['naive'] / times['batch']:7.0f}" if "naive" in times else ""
            print(
                f"{f'{height}x{width}x{channels}':>9} {'on' if jit_compile else 'off':>5} {times['first']:7.1f}s "
                f"{times['batch']:9.4f}s {batch_size / times['batch']:9.1f} "
                f"{1e3 * times['batch'] / (height * width):9.4f} {mebibytes(times['peak_bytes']):>8} {naive}",
                flush=True,
            )
            rows.append({"image_shape": model.image_shape, "xla": jit_compile, "batch_size": batch_size, **times})
    if naive_pixels:
        print(f"* extrapolated from the median of {naive_pixels} sub-pixels")
    return rows
