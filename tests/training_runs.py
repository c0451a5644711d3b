"""Small training runs, for any test that needs one."""

from trainers import config, loop

TINY = {"block": "row_lstm", "num_blocks": 1, "hidden": 4, "head_hidden": 4}


def tiny_config(**changes):
    defaults = {"model": TINY, "batch_size": 32, "steps": 30, "eval_every": 10, "eval_images": 50, "num_samples": 4}
    return config.TrainConfig(**{**defaults, **changes})


def opened(run, workdir):
    training = loop.Training(run, run.data.load())
    training.open(workdir)
    return training
