"""The flags of a run: where, from what, for how long and how exactly."""

from absl import flags

from trainers.config import DTYPE_POLICIES, TrainConfig


def define_train_flags(defaults: TrainConfig) -> None:
    """Define --workdir, --steps and the like."""
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
