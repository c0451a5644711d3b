"""Queue of steps that start before the results of earlier ones are known."""

import collections
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.devices.strategies import split_batch
from pixelrnn_tf.training.mutation import mutated
from pixelrnn_tf.training.train_step import TrainStep

# Number of steps that are started before the result of the first is awaited, to keep an accelerator busy.
IN_FLIGHT = 2


class StepQueue:
    """Feed the batches of a data set to a `TrainStep`.

    Step t gets batch t of the seed, whatever was interrupted before. A step whose float16 gradients overflow is
    repeated with half the loss scale.

    Args:
        step: the step.
        data: the training images.
        batch_size: images per step, over all replicas.
        seed: seed of their order.
        first_step: number of earlier steps.
        mutation_rate: rate of `pixelrnn_tf.training.mutation`; 0 for unchanged images.
    """

    def __init__(
        self,
        step: TrainStep,
        data: ImageData,
        batch_size: int,
        seed: int,
        first_step: int,
        mutation_rate: float = 0.0,
    ):
        self.step, self.data, self.batch_size, self.seed = step, data, batch_size, seed
        self.mutation_rate = mutation_rate
        self._start_at(first_step)

    def _start_at(self, step: int) -> None:
        self.started = self.finished = step
        batches = self.data.train_batches(self.batch_size, self.seed, step)
        if self.mutation_rate:
            batches = mutated(batches, self.mutation_rate, self.data.levels, self.seed, step)
        self.batches = iter(batches)

    def run(self, end: int, votes: Callable[[], tuple[bool, ...]]) -> Iterator[tuple[float, float, np.ndarray]]:
        """Run until `end` steps are finished or a worker casts a vote; then finish the steps in flight.

        All workers finish the same steps, since each gets a vote with the result of the same step.

        Args:
            end: total number of steps.
            votes: called when a step starts, for the votes of this worker.

        Yields:
            for every finished step the loss in nats per image, the norm of the gradients, and the votes of any worker
            so far.

        Raises:
            FloatingPointError: if a loss or gradient is not finite. That step does not change the weights.
        """
        in_flight: collections.deque[tuple[tf.Tensor, ...]] = collections.deque()
        cast = np.array(False)
        while True:
            more = self.started < end and not cast.any()
            if more:
                images = split_batch(self.step.strategy, next(self.batches))
                number, own_votes = tf.constant(self.started, tf.int64), tf.constant(votes(), tf.float32)
                in_flight.append(self.step.update(images, number, own_votes))
                self.started += 1
            elif not in_flight:
                return
            if more and len(in_flight) <= IN_FLIGHT:
                continue
            loss, norm, updated, new = (value.numpy() for value in in_flight.popleft())
            cast = cast | new
            if updated:
                self.finished += 1
                yield float(loss), float(norm), cast
            else:
                self._check(float(loss), float(norm))
                in_flight.clear()  # They detected the missing step and did nothing.
                self._start_at(self.finished)

    def _check(self, loss: float, norm: float) -> None:
        """Raise an error unless a failed step may be repeated."""
        for what, value in (("loss", loss), ("norm of the gradients", norm)):
            scale = self.step.loss_scale
            if not np.isfinite(value) and (what == "loss" or scale is None or float(scale.value()) < 1.0):
                raise FloatingPointError(f"The {what} after step {self.finished} is {value}.")
