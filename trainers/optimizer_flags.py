"""The flags of the optimizer and its learning rate."""

from absl import flags

from trainers.config import OPTIMIZER_NAMES, SCHEDULES, TrainConfig


def define_optimizer_flags(defaults: TrainConfig) -> None:
    """Define --optimizer and what goes with it."""
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
