"""The dynamic scale of the loss that keeps float16 gradients in range."""

import tensorflow as tf


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
