"""Train a PixelRNN: `python -m trainers.train --preset=... --data=... --workdir=...`.

The same program trains on one device, on several of one machine (--strategy=mirrored), on several machines
(--strategy=multi_worker) and on a TPU (--strategy=tpu). It can be stopped at any moment, with Ctrl-C or SIGTERM: the
same command goes on from there.

Leaves in the working directory:
    model.keras    the averaged weights with the best validation score, for keras.models.load_model
    model.json     what it was trained on, and its scores on whole splits
    report.md      data, network, training, scores, command and versions
    curve.png      training loss and validation score over the steps
    samples.png    images it drew
    metrics.jsonl  losses and scores, a line each
    tensorboard/   the same for TensorBoard, and images drawn on the way
    config.json    the flags
    checkpoints/   the state of the run; the same command goes on with an interrupted run

A run goes on from the newest whole checkpoint of its working directory; without one it starts from the weights of
--init_from, or else from scratch.
"""

import dataclasses
import pathlib
import shlex
import sys

from absl import flags

from pixelrnn_tf.models import get_preset
from pixelrnn_tf.programs import data_flags, program
from trainers import distribution_flags, evaluation_flags, loop, model_flags, optimizer_flags, train_flags
from trainers.config import TrainConfig

FLAGS = flags.FLAGS
DEFAULTS = TrainConfig()

data_flags.define_data_flags()
model_flags.define_model_flags(DEFAULTS.preset)
train_flags.define_train_flags(DEFAULTS)
optimizer_flags.define_optimizer_flags(DEFAULTS)
evaluation_flags.define_evaluation_flags(DEFAULTS)
distribution_flags.define_distribution_flags(DEFAULTS.distribution)


def config_from_flags(values: flags.FlagValues) -> TrainConfig:
    """The flags as a configuration."""
    named = {field.name: values[field.name].value for field in dataclasses.fields(TrainConfig) if field.name in values}
    if named["batch_size"] is None:
        named["batch_size"] = get_preset(values.preset).batch_size if values.preset else DEFAULTS.batch_size
    return TrainConfig(
        **{
            **named,
            "decay_at": optimizer_flags.decay_steps_at(values),
            "data": data_flags.data_config(values),
            "model": model_flags.model_arguments(values),
            "distribution": distribution_flags.distribution_config(values),
        }
    )


def main(_: list[str]) -> None:
    command = shlex.join(["python", "-m", "trainers.train", *sys.argv[1:]])
    loop.train(config_from_flags(FLAGS), pathlib.Path(FLAGS.workdir), command)


if __name__ == "__main__":
    program.run(main)
