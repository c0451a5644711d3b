"""Optimizers, learning-rate schedules, and loss scaling for float16."""

import math
import re

import keras
import tensorflow as tf
from keras import ops

from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf.models import Muon

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "muon": Muon,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
# Biases and initial states represent values, not connection strengths, and are excluded from weight decay.
WITHOUT_DECAY = re.compile(r"(^|[/_])(bias(_\d+)?|initial_[hc])$")


def make_optimizer(config: TrainConfig, weights: list[keras.Variable]) -> keras.optimizers.Optimizer:
    """Make the optimizer of a run, with its schedule, built for these weights. `TrainStep` clips gradients.

    Weight decay is decoupled from the gradient: a step first multiplies a weight by 1 - learning rate * decay.
    """
    optimizer = OPTIMIZERS[config.optimizer](LearningRate(config), weight_decay=config.weight_decay or None)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay([weight for weight in weights if WITHOUT_DECAY.search(weight.path)])
    optimizer.build(weights)
    return optimizer


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Learning-rate schedule with warm-up.

    The rate rises linearly to `learning_rate` over the first `warmup_steps` steps. "constant" keeps it. "cosine" falls
    along half a cosine to `final_learning_rate` at step `decay_steps` and keeps that. "step" multiplies it by
    `decay_factor` at each of the steps `lr_boundaries`.

    Args:
        config: configuration with these values.
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
        # Step 0 has a part of the rate, not zero.
        return rate * ops.minimum(1.0, (step + 1.0) / max(config.warmup_steps, 1))


class LossScale(tf.Module):
    """Dynamic loss scale: halved when a gradient overflows, doubled after a number of successful steps.

    Keras's own uses the gradients of one replica; this one uses their sum, so that all replicas keep the same scale.
    Create it in the scope of the strategy.

    Args:
        initial: initial scale.
        growth_steps: number of successive successful steps before the scale is doubled.
    """

    def __init__(self, initial: float = 2.0**15, growth_steps: int = 2000):
        super().__init__()
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.growth_steps = growth_steps
        self.scale = tf.Variable(initial, dtype=tf.float32, aggregation=first)
        self.good_steps = tf.Variable(0, dtype=tf.int64, aggregation=first)

    def value(self) -> tf.Tensor:
        """Current scale, a float32 scalar."""
        return tf.convert_to_tensor(self.scale)

    def succeeded(self) -> None:
        """Record a step with finite gradients."""
        grows = self.good_steps + 1 >= self.growth_steps
        self.scale.assign(tf.where(grows, self.scale * 2.0, self.scale))
        self.good_steps.assign(tf.where(grows, tf.zeros_like(self.good_steps), self.good_steps + 1))

    def failed(self, overflow: tf.Tensor) -> None:
        """Halve the scale if `overflow`, that is, if the loss was finite but a gradient was not.

        A scale below 1 means that the gradients overflow even without scaling.
        """
        self.scale.assign(tf.where(overflow, self.scale / 2.0, self.scale))
        self.good_steps.assign(tf.where(overflow, tf.zeros_like(self.good_steps), self.good_steps))
