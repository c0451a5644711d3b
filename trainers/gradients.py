"""Loss and gradients of a batch on one replica, and into how many parts the cores of a CPU divide it."""

import os

import keras
import tensorflow as tf

from pixelrnn_tf.models import negative_log_likelihood

IMAGES_PER_PART = 4


def on_cpu() -> bool:
    """Whether there is no other device."""
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


def number_of_parts(images: int) -> int:
    """How many equal parts of a replica's images are computed at the same time where XLA compiles the pass.

    One step of a recurrence is too small to be divided among cores, but parts of the batch need not wait for each
    other. So a CPU takes one part per core, or fewer where the replica shares the cores with others or a part would
    have less than four images: then the products of wide networks lose more than is won. Other devices take one.

    Args:
        images: images of the replica that are computed at once.

    Returns:
        A divisor of `images`.
    """
    if not on_cpu():
        return 1
    replicas = len(tf.distribute.get_strategy().extended.worker_devices) if tf.distribute.has_strategy() else 1
    most = min(_cores() // replicas, images // IMAGES_PER_PART)
    return next((parts for parts in range(most, 1, -1) if images % parts == 0), 1)


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LossAndGradients:
    """A replica's part of the mean loss of a global batch, and its gradients.

    Args:
        model: from images to logits.
        accumulation: the images are computed in so many parts, one after another, to save memory.
        jit_compile: whether XLA compiles the pass. On a CPU its parts then run at the same time; see
            `number_of_parts`.
    """

    def __init__(self, model: keras.Model, accumulation: int = 1, jit_compile: bool = False):
        self.model, self.accumulation, self.jit_compile = model, accumulation, jit_compile
        self._summed = tf.function(self._summed, jit_compile=jit_compile)

    def __call__(
        self, images: tf.Tensor, global_batch: int, scale: float | tf.Tensor = 1.0
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """To be called in a `tf.function`, which starts all parts at once.

        Args:
            images: the replica's, integer levels `(batch, height, width, channels)`, of a batch size known in
                advance, a multiple of `accumulation`.
            global_batch: images of all replicas.
            scale: of the gradients.

        Returns:
            `(loss, gradients)`: the sum of the images' nats divided by `global_batch`, and the gradients of `scale`
            times it as to the trainable variables.
        """
        parts = number_of_parts(images.shape[0] // self.accumulation) if self.jit_compile else 1
        count, scale = tf.cast(global_batch, tf.float32), tf.cast(scale, tf.float32)
        results = [self._summed(part, count, scale) for part in tf.split(images, parts)]
        losses, gradients = zip(*results, strict=True)
        return tf.add_n(losses), [tf.add_n(of_parts) for of_parts in zip(*gradients, strict=True)]

    def _summed(self, images: tf.Tensor, count: tf.Tensor, scale: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Loss and gradients of the images, which are accumulated."""
        if self.accumulation == 1:
            return self._one(images, count, scale)
        chunks = tf.reshape(images, (self.accumulation, -1, *images.shape[1:]))

        def add(k, loss, gradients):
            more, its_gradients = self._one(chunks[k], count, scale)
            return k + 1, loss + more, [a + b for a, b in zip(gradients, its_gradients, strict=True)]

        zeros = [tf.zeros(v.shape, v.dtype) for v in self.model.trainable_variables]
        # A loop, since chunks that do not wait for each other might be computed, and held, all at once.
        _, loss, gradients = tf.while_loop(
            lambda k, *_: k < self.accumulation,
            add,
            (0, tf.constant(0.0), zeros),
            parallel_iterations=1,
            maximum_iterations=self.accumulation,
        )
        return loss, gradients

    def _one(self, images: tf.Tensor, count: tf.Tensor, scale: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(negative_log_likelihood(images, self.model(images))) / count
            scaled = loss * scale
        return loss, tape.gradient(scaled, self.model.trainable_variables)
