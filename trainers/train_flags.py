"""The flags that say how to train, one for each field of `TrainConfig`."""

from absl import flags

from trainers.config import DTYPE_POLICIES, OPTIMIZER_NAMES, SCHEDULES, TrainConfig


def define_train_flags(defaults: TrainConfig) -> None:
    """Define --workdir and the flags of a run, by what they are about."""
    _define_run_flags(defaults)
    _define_optimizer_flags(defaults)
    _define_evaluation_flags(defaults)


def _define_run_flags(defaults: TrainConfig) -> None:
    flags.DEFINE_string(
        "workdir", None, "Folder of the run; in a cluster, on a file system all workers see.", required=True
    )
    flags.DEFINE_string("init_from", defaults.init_from, "A .keras file of the same network to start a new run from.")
    flags.DEFINE_integer(
        "batch_size", None, "Images per step, over all replicas; by default the preset's, or 16.", lower_bound=1
    )
    flags.DEFINE_integer(
        "accumulation",
        defaults.accumulation,
        "Parts in which a replica computes its images, one after another: less memory, the same result.",
        lower_bound=1,
    )
    flags.DEFINE_integer("steps", defaults.steps, "Steps to train for.", lower_bound=1)
    flags.DEFINE_float(
        "minutes", defaults.minutes, "Minutes to train for, if that ends first, without evaluations; 0 for no limit."
    )
    flags.DEFINE_integer(
        "patience",
        defaults.patience,
        "Evaluations in a row without a best validation score after which to stop; 0 for never.",
    )
    flags.DEFINE_integer("seed", defaults.seed, "Seed of the weights, the order of the images and the samples.")
    flags.DEFINE_enum(
        "jit_compile", defaults.jit_compile, ["auto", "true", "false"], "Whether XLA compiles loss and gradients."
    )
    flags.DEFINE_enum(
        "dtype_policy",
        defaults.dtype_policy,
        DTYPE_POLICIES,
        "Keras dtype policy of the training; mixed_float16 scales the loss. Scores are in float32.",
    )


def _define_optimizer_flags(defaults: TrainConfig) -> None:
    flags.DEFINE_enum("optimizer", defaults.optimizer, OPTIMIZER_NAMES, "Optimizer; the paper's is rmsprop.")
    flags.DEFINE_float("learning_rate", defaults.learning_rate, "Learning rate, the largest of the schedule.")
    flags.DEFINE_enum(
        "schedule",
        defaults.schedule,
        SCHEDULES,
        "Learning rate after the warm-up: constant; falling as half a cosine; or falling in steps.",
    )
    flags.DEFINE_integer(
        "warmup_steps", defaults.warmup_steps, "Steps over which the learning rate rises from zero; 0 for none."
    )
    flags.DEFINE_integer("decay_steps", defaults.decay_steps, "Step at which the cosine ends; 0 for --steps.")
    flags.DEFINE_float("final_learning_rate", defaults.final_learning_rate, "Learning rate at which the cosine ends.")
    flags.DEFINE_list("decay_at", [], "Steps at which --schedule=step lowers the learning rate, such as 20000,30000.")
    flags.DEFINE_float(
        "decay_factor", defaults.decay_factor, "What --schedule=step multiplies the learning rate by each time."
    )
    flags.DEFINE_float(
        "clip_norm", defaults.clip_norm, "Largest global norm of the gradients of a step; 0 for no clipping."
    )
    flags.DEFINE_float(
        "average_decay",
        defaults.average_decay,
        "Largest decay per step of the average of the weights that is scored and saved; 0 for no average.",
    )


def _define_evaluation_flags(defaults: TrainConfig) -> None:
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


def decay_steps_at(values: flags.FlagValues) -> tuple[int, ...]:
    """The value of --decay_at.

    Raises:
        ValueError: if it is no list of growing steps.
    """
    try:
        steps = tuple(map(int, values.decay_at))
    except ValueError:
        steps = (0,)
    if any(b <= a for a, b in zip((0, *steps), steps, strict=False)):
        raise ValueError(f"--decay_at must be growing steps, such as 20000,30000; got {','.join(values.decay_at)}.")
    return steps
