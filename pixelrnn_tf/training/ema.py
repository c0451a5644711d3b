"""Exponential moving average (EMA) of the weights, used for evaluation and for the saved model."""

import tensorflow as tf

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.loading import float32_twin


class ExponentialMovingAverage:
    """Copy of a model that holds the exponential moving average of its weights.

    The decay after t updates is min(decay, (1 + t) / (10 + t)). A constant decay would keep the initial weights for
    about 1 / (1 - decay) steps and ruin short runs.

    Create it in the scope of the strategy.

    Args:
        model: the model in training.
        decay: maximum decay, in [0, 1); 0 keeps the copy equal to the model.

    Attributes:
        model: the copy, in float32 whatever the dtype policy of the model.
    """

    def __init__(self, model: ImageModel, decay: float):
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"The decay of the weight average must be in [0, 1), got {decay}.")
        self.decay = float(decay)
        self.source = model
        self.strategy = tf.distribute.get_strategy()
        # Evaluation, saved model and samples use one network in one precision.
        self.model = float32_twin(model)

    def restart(self) -> None:
        """Restart the average from the current weights of the model."""
        self.model.set_weights(self.source.get_weights())

    def update(self, step: tf.Tensor) -> None:
        """Update the average after `step` updates of the model, including the last one."""
        t = tf.cast(step, tf.float32)
        rate = 1.0 - tf.minimum(self.decay, (1.0 + t) / (10.0 + t))
        for average, weight in zip(self.model.weights, self.source.weights, strict=True):
            # Outside of the replicas, so that each replica's copy is updated on its own device.
            self.strategy.extended.update(
                average.value, _move, args=(weight.value, tf.cast(rate, average.dtype)), group=False
            )


def _move(average: tf.Variable, weight: tf.Tensor, rate: tf.Tensor) -> None:
    average.assign_add(rate * (weight - average))
