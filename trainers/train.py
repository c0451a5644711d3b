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
