"""The flags that say when a run is evaluated, saved and shown."""

from absl import flags

from trainers.config import TrainConfig


def define_evaluation_flags(defaults: TrainConfig) -> None:
    """Define --eval_every and the like."""
    flags.DEFINE_integer(
        "eval_every",
        defaults.eval_every,
        "Steps between evaluations on the validation split, each with a checkpoint; the first is before training.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "eval_images", defaults.eval_images, "Images of each of these evaluations, from the first; 0 for all."
    )
    flags.DEFINE_integer(
        "checkpoint_every", defaults.checkpoint_every, "Steps between further checkpoints; 0 for none."
    )
    flags.DEFINE_float("log_seconds", defaults.log_seconds, "Seconds between lines of progress.")
    flags.DEFINE_integer(
        "num_samples", defaults.num_samples, "Images to draw at the end and for TensorBoard; 0 for none."
    )
    flags.DEFINE_integer(
        "sample_every",
        defaults.sample_every,
        "Steps after each of which the next evaluation draws images for TensorBoard; 0 for never.",
    )
