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

from pixelrnn_tf.models import get_preset
from trainers import data_flags, drawing, loop, model_flags, program
from trainers.config import TrainConfig

FLAGS = flags.FLAGS
DEFAULTS = TrainConfig()

data_flags.define_data_flags()
flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
model_flags.define_model_flags(DEFAULTS.preset)
flags.DEFINE_integer("batch_size", None, "Images per step; by default the preset's, or 16.", lower_bound=1)
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
    if named["batch_size"] is None:
        named["batch_size"] = get_preset(values.preset).batch_size if values.preset else DEFAULTS.batch_size
    arguments = model_flags.model_arguments(values)
    return TrainConfig(**{**named, "data": data_flags.data_config(values), "model": arguments})


def main(_: list[str]) -> None:
    config, workdir = config_from_flags(FLAGS), pathlib.Path(FLAGS.workdir)
    if loop.train(config, workdir) is None or not config.num_samples:
        return
    drawing.draw_grid(workdir / "model.keras", workdir / "samples.png", config.num_samples, config.seed)


if __name__ == "__main__":
    program.run(main)
