"""One update of a model over the replicas of a strategy."""

from typing import Any

import keras
import tensorflow as tf

from pixelrnn_tf.devices.strategies import number_of_images, parts_for_cores
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.training.dropout import origins
from pixelrnn_tf.training.ema import ExponentialMovingAverage
from pixelrnn_tf.training.gradients import loss_and_gradients, sum_of_parts
from pixelrnn_tf.training.optimizers import LossScale
from pixelrnn_tf.typing import Structure


class TrainStep:
    """One update: the clipped gradient of the mean loss of a global batch goes to the optimizer and the average.

    Every replica sums the loss of its images and divides by the size of the *global* batch, so the sum over replicas is
    the mean. Gradients are first summed over the replicas, then checked and clipped; a Keras optimizer would clip those
    of each replica. The result equals that of one device up to rounding.

    Create it in the scope of the strategy.

    Args:
        model: the network.
        optimizer: optimizer built for the trainable variables, without clipping.
        average: average of the weights, updated after every step.
        global_clipnorm: maximum global norm of the gradients; 0 for no clipping.
        gradient_accumulation_steps: number of parts that a replica computes one after another, to save memory.
        jit_compile: compile loss and gradients with XLA.
        loss_scale: loss scale for float16; None for no scaling.
        dropout: dropout rate, see `pixelrnn_tf.training.dropout`; 0 for none.
        seed: seed of the dropout.

    Attributes:
        step: int64 variable, the number of updates so far.
    """

    def __init__(
        self,
        model: ImageModel,
        optimizer: keras.optimizers.Optimizer,
        average: ExponentialMovingAverage,
        *,
        global_clipnorm: float = 0.0,
        gradient_accumulation_steps: int = 1,
        jit_compile: bool = False,
        loss_scale: LossScale | None = None,
        dropout: float = 0.0,
        seed: int = 0,
    ):
        self.model, self.optimizer, self.average = model, optimizer, average
        self.global_clipnorm, self.gradient_accumulation_steps = global_clipnorm, gradient_accumulation_steps
        self.jit_compile, self.loss_scale, self.seed = jit_compile, loss_scale, seed
        self.strategy = tf.distribute.get_strategy()
        self.step = tf.Variable(0, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
        self._loss_and_gradients = loss_and_gradients(model, gradient_accumulation_steps, jit_compile, dropout)

    @tf.function(autograph=False)
    def update(self, images: Any, number: tf.Tensor, votes: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Update unless the loss or a gradient is not finite, or the model has not made exactly `number` updates.

        The second condition allows starting steps before the results of earlier ones are known: after a non-finite one,
        steps already started do nothing.

        Args:
            images: global batch, integer levels or a dictionary with their conditions, split by
                `pixelrnn_tf.devices.strategies.split_batch`.
            number: number of earlier updates, int64.
            votes: votes of this worker, float32 `(votes,)` of 0 and 1.

        Returns:
            `(loss, norm, updated, votes)`: the loss in nats per image and the global norm of the gradients, both
            float32 and from before the update; bool, True after an update; and bool `(votes,)`, True for the votes that
            any worker cast.
        """
        with self.strategy.scope():
            loss, norm, votes, gradients = self.strategy.run(self._summed_gradients, args=(images, number, votes))
            # All replicas have the same values; use those of this worker's first one.
            loss, norm, votes = (self.strategy.experimental_local_results(value)[0] for value in (loss, norm, votes))
            expected = tf.equal(self.step, number)
            updated = tf.cond(
                expected & tf.math.is_finite(loss) & tf.math.is_finite(norm),
                lambda: self._apply(gradients),
                lambda: self._skip(expected & tf.math.is_finite(loss)),
            )
            return loss, norm, updated, votes > 0

    def _summed_gradients(self, images: Structure, number: tf.Tensor, votes: tf.Tensor) -> tuple:
        """Compute, on a replica, the loss, gradient norm, votes and clipped gradients, all summed over the replicas."""
        scale = self.loss_scale.value() if self.loss_scale else tf.constant(1.0)
        size = number_of_images(images)
        count = tf.constant(float(size * self.strategy.num_replicas_in_sync))
        context = tf.distribute.get_replica_context()
        first = tf.cast(context.replica_id_in_sync_group, tf.int32) * size
        origin = origins(self.seed, number, first, size)
        steps = self.gradient_accumulation_steps
        both = [parts_for_cores(values, self.jit_compile, steps) for values in (images, origin)]
        parts = []
        for part, its in zip(*both, strict=True):
            parts.append(self._loss_and_gradients(part, its, count, scale))
        loss, gradients = sum_of_parts(parts)
        votes = tf.identity(votes)  # Place it on this replica's device: an argument has none and cannot be reduced.
        loss, votes, *gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, [loss, votes, *gradients])
        if self.loss_scale:
            gradients = [gradient / scale for gradient in gradients]
        norm = tf.linalg.global_norm(gradients)
        if self.global_clipnorm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.global_clipnorm, use_norm=norm)
        return loss, norm, votes, gradients

    def _apply(self, gradients: list) -> bool:
        self.strategy.run(self._apply_on_replica, args=(gradients,))
        self.step.assign_add(1)
        self.average.update(self.step)
        if self.loss_scale:
            self.loss_scale.succeeded()
        return True

    def _apply_on_replica(self, gradients: list[tf.Tensor]) -> None:
        # Keras sums over the replicas, which all have the same gradients here.
        replicas = self.strategy.num_replicas_in_sync
        self.optimizer.apply([gradient / replicas for gradient in gradients], self.model.trainable_variables)

    def _skip(self, overflow: tf.Tensor) -> bool:
        if self.loss_scale:
            self.loss_scale.failed(overflow)
        return False
