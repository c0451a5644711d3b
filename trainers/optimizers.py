"""Optimizers and the schedules of their learning rates."""

import math

import keras
from keras import ops

from trainers.config import TrainConfig

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """The optimizer of a run, with its schedule. It clips nothing: `TrainStep` does."""
    return OPTIMIZERS[config.optimizer](LearningRate(config))


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of every step.

    It rises linearly over the first `warmup_steps` steps, to `learning_rate`, which "constant" keeps. "cosine"
    then falls along half a cosine and is `final_learning_rate` from step `decay_steps` on. "step" is multiplied by
    `decay_factor` at each of the steps `decay_at`.

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
            for boundary in config.decay_at:
                rate = rate * ops.where(step < boundary, 1.0, config.decay_factor)
        # The first step, 0, has a part of the rate, not nothing.
        return rate * ops.minimum(1.0, (step + 1.0) / max(config.warmup_steps, 1))
