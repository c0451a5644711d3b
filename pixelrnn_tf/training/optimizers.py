"""Optimizers, the schedules of their learning rates, and the scale of the loss for float16."""

import math
import re

import keras
import tensorflow as tf
from keras import ops

from pixelrnn_cli.train_config import TrainConfig

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}
# Weights that stand for a value, not for a strength of a connection: they are not drawn to zero.
WITHOUT_DECAY = re.compile(r"(^|/)(bias(_\d+)?|initial_[hc])$")


def make_optimizer(config: TrainConfig, weights: list[keras.Variable]) -> keras.optimizers.Optimizer:
    """The optimizer of a run, with its schedule, built for these weights. It clips nothing: `TrainStep` does.

    Weight decay is decoupled from the gradient: a step first multiplies a weight by 1 - learning rate * decay.
    """
    optimizer = OPTIMIZERS[config.optimizer](LearningRate(config), weight_decay=config.weight_decay or None)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay([weight for weight in weights if WITHOUT_DECAY.search(weight.path)])
    optimizer.build(weights)
    return optimizer


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of every step.

    It rises linearly over the first `warmup_steps` steps, to `learning_rate`, which "constant" keeps. "cosine"
    then falls along half a cosine and is `final_learning_rate` from step `decay_steps` on. "step" is multiplied by
    `decay_factor` at each of the steps `lr_boundaries`.

    Args:
        config: holds all of these.
    """

    def __init__(self, config: TrainConfig):
        self.config = config

    def __call__(self, step):
        config, step = self.config, ops.cast(step, "float32")
        rate = config.learning_rate
        if config.schedule == "cosine":
            done = (step - config.warmup_steps) / (config.decay_steps - config.warmup_steps)
            falling = 0.5 * (1.0 + ops.cos(math.pi * ops.clip(done, 0.0, 1.0)))
            rate = config.final_learning_rate + (rate - config.final_learning_rate) * falling
        elif config.schedule == "step":
            for boundary in config.lr_boundaries:
                rate = rate * ops.where(step < boundary, 1.0, config.decay_factor)
        # The first step, 0, has a part of the rate, not nothing.
        return rate * ops.minimum(1.0, (step + 1.0) / max(config.warmup_steps, 1))


class LossScale(tf.Module):
    """A factor for the loss, halved when a gradient overflows and doubled after a run of good steps.

    Keras's own looks at the gradients of one replica; this one is told of their sum, so that all replicas keep
    the same scale. To be made in the scope of the strategy.

    Args:
        initial: the first scale.
        growth_steps: after so many good steps in a row the scale is doubled.
    """

    def __init__(self, initial: float = 2.0**15, growth_steps: int = 2000):
        super().__init__()
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.growth_steps = growth_steps
        self.scale = tf.Variable(initial, dtype=tf.float32, aggregation=first)
        self.good_steps = tf.Variable(0, dtype=tf.int64, aggregation=first)

    def value(self) -> tf.Tensor:
        """The scale, a float32 scalar."""
        return tf.convert_to_tensor(self.scale)

    def succeeded(self) -> None:
        """Count a step whose gradients were finite."""
        grows = self.good_steps + 1 >= self.growth_steps
        self.scale.assign(tf.where(grows, self.scale * 2.0, self.scale))
        self.good_steps.assign(tf.where(grows, tf.zeros_like(self.good_steps), self.good_steps + 1))

    def failed(self, overflow: tf.Tensor) -> None:
        """Halve the scale if `overflow`: the loss was finite and a gradient was not.

        A scale below 1 says that the gradients overflow by themselves.
        """
        self.scale.assign(tf.where(overflow, self.scale / 2.0, self.scale))
        self.good_steps.assign(tf.where(overflow, tf.zeros_like(self.good_steps), self.good_steps))
