"""Train a PixelRNN: `python -m trainers.train --preset=... --data=... --workdir=...`.

Leaves in the working directory:
    model.keras    the averaged weights with the best validation score, for keras.models.load_model
    model.json     what it was trained on, and its scores on whole splits
    samples.png    images it drew
    metrics.jsonl  losses and scores, a line each
    config.json    the flags
    checkpoints/   the state of the run; the same command goes on with an interrupted run
"""

import dataclasses
import pathlib

from absl import flags

from trainers import data_flags, drawing, loop, program
from trainers.config import MODEL_FLAGS, TrainConfig

FLAGS = flags.FLAGS
DEFAULTS = TrainConfig()

data_flags.define_data_flags()
flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
flags.DEFINE_string("preset", DEFAULTS.preset, "A named network; the flags below replace its arguments.")
flags.DEFINE_enum("block", None, ["pixel_cnn", "row_lstm", "diagonal_bilstm"], "Kind of block.")
flags.DEFINE_integer("num_blocks", None, "Number of blocks.", lower_bound=1)
flags.DEFINE_integer("hidden", None, "Units h of a block.", lower_bound=1)
flags.DEFINE_integer("head_hidden", None, "Features of the head's inner layers.", lower_bound=1)
flags.DEFINE_bool("residual", None, "Whether blocks have residual connections.")
flags.DEFINE_bool("skips", None, "Whether every block is connected to the head.")
flags.DEFINE_integer("batch_size", DEFAULTS.batch_size, "Images per step.", lower_bound=1)
flags.DEFINE_integer("steps", DEFAULTS.steps, "Number of steps.", lower_bound=1)
flags.DEFINE_float("minutes", DEFAULTS.minutes, "Stop after this much training time; 0 for no limit.")
flags.DEFINE_enum("optimizer", DEFAULTS.optimizer, ["adam", "rmsprop"], "Optimizer; the paper's is rmsprop.")
flags.DEFINE_float("learning_rate", DEFAULTS.learning_rate, "Learning rate.")
flags.DEFINE_float("clip_norm", DEFAULTS.clip_norm, "Largest global norm of the gradients; 0 for no clipping.")
flags.DEFINE_float("average_decay", DEFAULTS.average_decay, "Largest decay of the average of the weights.")
flags.DEFINE_integer("eval_every", DEFAULTS.eval_every, "Steps between evaluations and checkpoints.", lower_bound=1)
flags.DEFINE_integer("eval_images", DEFAULTS.eval_images, "Validation images of each evaluation; 0 for all.")
flags.DEFINE_float("log_seconds", DEFAULTS.log_seconds, "Seconds between lines of progress.")
flags.DEFINE_integer("num_samples", DEFAULTS.num_samples, "Images to draw at the end; 0 for none.")
flags.DEFINE_integer("seed", DEFAULTS.seed, "Seed of weights, order of the images and samples.")
flags.DEFINE_enum("jit_compile", DEFAULTS.jit_compile, ["auto", "true", "false"], "Whether XLA compiles a step.")
flags.DEFINE_enum("dtype_policy", DEFAULTS.dtype_policy, ["float32", "mixed_bfloat16"], "Keras dtype policy.")


def config_from_flags(values: flags.FlagValues) -> TrainConfig:
    """The flags as a configuration."""
    named = {field.name: values[field.name].value for field in dataclasses.fields(TrainConfig) if field.name in values}
    model = {name: values[name].value for name in MODEL_FLAGS if values[name].value is not None}
    return TrainConfig(**{**named, "data": data_flags.data_config(values), "model": model})


def main(_: list[str]) -> None:
    config, workdir = config_from_flags(FLAGS), pathlib.Path(FLAGS.workdir)
    if loop.train(config, workdir) is None or not config.num_samples:
        return
    drawing.draw_grid(workdir / "model.keras", workdir / "samples.png", config.num_samples, config.seed)


if __name__ == "__main__":
    program.run(main)
