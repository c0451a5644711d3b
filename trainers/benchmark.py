"""Time sampling beside a naive sampler: `python -m trainers.benchmark --preset=mnist_diagonal_bilstm_7x16`.

For growing image sizes it prints the time to draw one batch, images per second, milliseconds per pixel, and
how many times less that is than running the whole network anew for every sub-pixel. The naive sampler runs in
the same process and the same compile mode, but for a few sub-pixels alone; its time for a batch is
extrapolated from their median. Times are medians after the first call, which builds and compiles the graph.
"""

import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import flags

from pixelrnn_tf.models import PixelRNN, get_preset
from pixelrnn_tf.sampling import draw_level, generate
from trainers import model_flags, program

FLAGS = flags.FLAGS

model_flags.define_model_flags("mnist_diagonal_bilstm_7x16")
flags.DEFINE_list("sizes", ["14", "28", "56"], "Heights and widths of the images.")
flags.DEFINE_integer("batch_size", 16, "Images per batch.", lower_bound=1)
flags.DEFINE_enum("jit_compile", "both", ["true", "false", "both"], "Whether XLA compiles the samplers.")
flags.DEFINE_integer("repeats", 5, "Batches timed; the median is printed.", lower_bound=1)
flags.DEFINE_integer("naive_pixels", 5, "Sub-pixels the naive sampler is timed for; 0 leaves it out.", lower_bound=0)


def median_seconds(run: Callable[[], tf.Tensor], repeats: int) -> tuple[float, float]:
    """Seconds of the first call, and the median of `repeats` more."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        np.array(run())
        times.append(time.perf_counter() - start)
    return times[0], statistics.median(times[1:])


def naive_step(model: PixelRNN, jit_compile: bool) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    """One sub-pixel as naive samplers draw it: run the whole network, use one of its distributions."""
    size = math.prod(model.image_shape)

    @tf.function(jit_compile=jit_compile)
    def step(flat, noise, position):
        images = tf.reshape(flat, (-1, *model.image_shape))
        logits = tf.gather(tf.reshape(model(images), (-1, size, model.levels)), position, axis=1)
        drawn = draw_level(logits, noise)
        return tf.where(tf.range(size) == position, drawn[:, None], flat)

    return step


def time_sampling(model: PixelRNN, batch_size: int, jit_compile: bool, repeats: int, naive_pixels: int) -> dict:
    """Times of one batch, in seconds: `first`, `batch`, and `naive` (extrapolated; absent for 0 pixels)."""
    noise = tf.random.stateless_uniform((batch_size, *model.image_shape), (0, 0))
    run = tf.function(lambda noise: generate(model, noise), jit_compile=jit_compile)
    first, batch = median_seconds(lambda: run(noise), repeats)
    times = {"first": first, "batch": batch}
    if naive_pixels:
        size = math.prod(model.image_shape)
        step, flat = naive_step(model, jit_compile), tf.zeros((batch_size, size), tf.int32)
        _, one = median_seconds(lambda: step(flat, noise[:, 0, 0, 0], tf.constant(size // 2)), naive_pixels)
        times["naive"] = one * size
    return times


def main(_: list[str]) -> None:
    arguments = {**get_preset(FLAGS.preset).arguments, **model_flags.model_arguments(FLAGS)}
    channels = arguments["image_shape"][-1]
    print(
        f"sampling, {arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}, "
        f"{arguments['levels']} levels, batch {FLAGS.batch_size}, medians of {FLAGS.repeats}, "
        f"{len(tf.config.list_logical_devices('GPU'))} GPUs"
    )
    print(
        f"{'size':>9} {'XLA':>5} {'first':>8} {'batch':>9} {'images/s':>9} {'ms/pixel':>9} {'naive*':>9} {'ratio':>7}"
    )
    for jit_compile in {"true": [True], "false": [False], "both": [False, True]}[FLAGS.jit_compile]:
        for size in map(int, FLAGS.sizes):
            model = PixelRNN(**{**arguments, "image_shape": (size, size, channels)})
            times = time_sampling(model, FLAGS.batch_size, jit_compile, FLAGS.repeats, FLAGS.naive_pixels)
            naive = f"{times['naive']:8.1f}s {times['naive'] / times['batch']:7.0f}" if "naive" in times else ""
            print(
                f"{f'{size}x{size}x{channels}':>9} {'on' if jit_compile else 'off':>5} {times['first']:7.1f}s "
                f"{times['batch']:8.3f}s {FLAGS.batch_size / times['batch']:9.1f} "
                f"{1e3 * times['batch'] / size**2:9.3f} {naive}",
                flush=True,
            )
    if FLAGS.naive_pixels:
        print(f"* extrapolated from the median of {FLAGS.naive_pixels} sub-pixels")


if __name__ == "__main__":
    program.run(main)
