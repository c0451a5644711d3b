"""Train a PixelRNN: `python -m trainers.train --preset=... --data=... --workdir=...`.

Train on one device, on several devices of one machine (--strategy=mirrored), on several machines
(--strategy=multi_worker), or on a TPU (--strategy=tpu). Interrupt at any step with Ctrl-C or SIGTERM, and resume with
the same command.

The working directory then holds:
    model.keras    the averaged weights with the best validation score, for keras.models.load_model
    model.json     the data set, and scores on full splits
    report.md      data, network, training, scores, command and versions
    curve.png      training loss and validation score by step
    samples.png    images drawn by the model
    metrics.jsonl  losses and scores, one line each
    tensorboard/   the same for TensorBoard, with images drawn during training
    config.json    the flags
    checkpoints/   the state of the run

A run resumes from the newest intact checkpoint in its working directory. Without a checkpoint, it starts from the
weights of --init_from, or from random weights.
"""

import dataclasses
import pathlib
import shlex
import sys

from pixelrnn_cli import program
from pixelrnn_cli.flags import option, options_in
from pixelrnn_cli.train_config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Options:
    """A run and its folder."""

    workdir: pathlib.Path = option(
        "Folder of the run; in a cluster, on a file system all workers see.", group="Run", written="folder"
    )
    config: TrainConfig = options_in(TrainConfig)


def main(options: Options) -> None:
    from pixelrnn_tf.training.run import train

    train(options.config, options.workdir, shlex.join(["python", "-m", "trainers.train", *sys.argv[1:]]))


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
