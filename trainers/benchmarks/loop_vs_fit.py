"""Time the training loop beside Keras's `fit`.

Both train the same network on the same batches of random images with Adam, in turns, in one process. The loop
also clips, tests for finite numbers and keeps the average of the weights, as in every run of `trainers.train`.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import keras

from pixelrnn_tf.models import NegativeLogLikelihood, PixelRNN, get_preset
from trainers.benchmarks.training_loop import random_images, run_steps, training_queue
from trainers.devices import uses_xla


def compare(
    arguments: dict[str, Any], batch_size: int, steps: int, rounds: int = 5, jit_compile: str = "auto"
) -> tuple[float, float]:
    """Images per second of the loop and of `fit`, medians of alternating rounds after a first one each.

    Args:
        arguments: of `PixelRNN`.
        batch_size: images per step.
        steps: of a round.
        rounds: of each.
        jit_compile: as in `TrainConfig`.
    """
    data = random_images(arguments)
    loop = _loop_rounds(arguments, data, batch_size, steps, jit_compile)
    fit = _fit_rounds(arguments, data, batch_size, steps, jit_compile)
    for rates in (loop, fit):
        next(rates)  # Builds and compiles.
    times = [(next(loop), next(fit)) for _ in range(rounds)]
    images = batch_size * steps
    return tuple(images / statistics.median(column) for column in zip(*times, strict=True))


def _loop_rounds(arguments, data, batch_size, steps, jit_compile) -> Iterator[float]:
    """Seconds of one round after another."""
    queue = training_queue(arguments, data, batch_size, jit_compile)
    while True:
        start = time.perf_counter()
        run_steps(queue, steps)
        yield time.perf_counter() - start


def _fit_rounds(arguments, data, batch_size, steps, jit_compile) -> Iterator[float]:
    """Seconds of one epoch of `steps` after another, without what `fit` does before the first and after the last."""
    model = PixelRNN(**arguments)
    model.compile("adam", loss=NegativeLogLikelihood(), jit_compile=uses_xla(jit_compile, model.block))
    batches = data.train_batches(batch_size, 0).map(lambda images: (images, images))
    timer = _EpochTimer()
    while True:
        model.fit(batches, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0, callbacks=[timer])
        yield timer.seconds


class _EpochTimer(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self._start


def run(rounds: int, batch_size: int = 16, steps: int = 12) -> dict[str, float]:
    """Time both on the Diagonal BiLSTM 1 x 32 for MNIST, and print it.

    Returns:
        images per second of the `loop` and of `fit`.
    """
    arguments = get_preset("mnist_diagonal_bilstm_1x32").arguments
    loop, fit = compare(arguments, batch_size, steps, rounds)
    network = f"{arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}, {arguments['image_shape']}"
    print(
        f"training loop beside Keras's fit, {network}, batch {batch_size}, medians of {rounds} rounds of {steps}:\n"
        f"loop {loop:.1f} images/s, fit {fit:.1f} images/s, {loop / fit:.3f} times"
    )
    return {"loop": loop, "fit": fit}
