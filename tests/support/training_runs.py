"""Small training runs, for any test that needs one."""

import numpy as np
import tensorflow as tf

from pixelrnn_cli import train_config as config
from pixelrnn_tf.devices import strategies as devices
from pixelrnn_tf.training import trainer

TINY = {"block": "row_lstm", "num_blocks": 1, "hidden": 4, "head_hidden": 4}
QUICK = {**TINY, "block": "pixel_cnn"}  # Traced in less time, for runs of which the network does not matter.


def tiny_config(**changes):
    """A short run on the digits, by default without XLA, which takes seconds to compile a step."""
    defaults = {"model": TINY, "batch_size": 32, "steps": 30, "eval_every": 10, "eval_images": 50, "num_samples": 0}
    return config.TrainConfig(**{**defaults, "jit_compile": "false", **changes})


def opened(run, workdir, strategy=None):
    """A run on some devices, in its working directory, that has not begun."""
    return trainer.Trainer(run, run.data.load(), workdir, strategy)


def steps(training, number):
    """Loss, norm and votes of the next steps of a run, one after another."""
    return training.queue.run(number, lambda: (False, False))


def one_update(training, images, number):
    """`TrainStep.update` of a batch that nobody votes in: loss, norm, and whether there was one."""
    parts = devices.split_batch(training.strategy, tf.constant(images))
    return training.step.update(parts, tf.constant(number, tf.int64), tf.zeros(2))[:3]


def state(training):
    """Everything a checkpoint keeps of a run, but its progress."""
    variables = [*training.model.weights, *training.average.model.weights, *training.optimizer.variables]
    return [variable.numpy() for variable in variables]


def assert_same_state(a, b):
    """Bit for bit."""
    assert all(np.array_equal(x, y) for x, y in zip(state(a), state(b), strict=True))
