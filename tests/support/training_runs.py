"""Small training runs, for any test that needs one."""

import numpy as np

from trainers import config, training

TINY = {"block": "row_lstm", "num_blocks": 1, "hidden": 4, "head_hidden": 4}


def tiny_config(**changes):
    defaults = {"model": TINY, "batch_size": 32, "steps": 30, "eval_every": 10, "eval_images": 50, "num_samples": 0}
    return config.TrainConfig(**{**defaults, **changes})


def opened(run, workdir, strategy=None):
    """A run on some devices, in its working directory, that has not begun."""
    opened = training.Training(run, run.data.load(), strategy)
    opened.open(workdir)
    return opened


def state(training):
    """Everything a checkpoint keeps of a run, but its progress."""
    variables = [*training.model.weights, *training.average.model.weights, *training.optimizer.variables]
    return [variable.numpy() for variable in variables]


def assert_same_state(a, b):
    """Bit for bit."""
    assert all(np.array_equal(x, y) for x, y in zip(state(a), state(b), strict=True))
