"""What a training run is made of: the flags of `trainers.train` as one value."""

import dataclasses
import json
import math
import pathlib
from typing import Any

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.models import PRESETS, PixelRNN, get_preset
from pixelrnn_tf.programs.data_flags import DataConfig
from pixelrnn_tf.programs.files import read_json
from trainers.gradients import on_cpu
from trainers.strategies import DistributionConfig

# What may change between an interruption and the resumption: how long to run, where, and what to show.
FREE_TO_CHANGE = (
    "steps", "minutes", "patience", "log_seconds", "eval_every", "checkpoint_every", "num_samples", "sample_every",
    "jit_compile", "distribution",
)  # fmt: skip
OPTIMIZER_NAMES = ("adam", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine", "step")
DTYPE_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        data: which images.
        preset: name of a preset, or empty: then `model` says it all.
        model: arguments of `PixelRNN` besides the image's shape and levels; they replace the preset's.
        init_from: a `.keras` file whose weights a new run starts from, or empty.
        distribution: which devices.
        batch_size: images per step, over all replicas.
        accumulation: a replica computes its images in so many parts, one after another, to save memory.
        steps: when to stop.
        minutes: when to stop, if that comes first; 0 for no limit. Time before an interruption counts.
        patience: stop after so many evaluations in a row without a best score; 0 for never.
        optimizer: "adam", "rmsprop" (the paper's) or "sgd".
        learning_rate: the largest of the schedule.
        schedule: "constant", "cosine" or "step"; see `trainers.optimizers.LearningRate`.
        warmup_steps: steps over which the learning rate rises from zero; 0 for none.
        decay_steps: where "cosine" ends; 0 becomes `steps`.
        final_learning_rate: where "cosine" ends.
        decay_at: the steps at which "step" multiplies the learning rate by `decay_factor`.
        decay_factor: see there.
        clip_norm: largest global norm of the gradients; 0 for no clipping.
        average_decay: largest decay of the weight average that is evaluated and saved.
        eval_every: steps between evaluations on the validation split, which also save a checkpoint.
        eval_images: how many validation images those use, from the first; 0 for all. The scores printed at
            the end are always of whole splits.
        checkpoint_every: steps between further checkpoints; 0 for none.
        log_seconds: seconds between lines of progress.
        num_samples: images drawn at the end and for TensorBoard; 0 for none.
        sample_every: steps after which the next evaluation draws images for TensorBoard; 0 for never.
        seed: of the initial weights and the order of the images.
        jit_compile: "auto", "true" or "false": whether XLA compiles a step.
        dtype_policy: Keras dtype policy: "float32", "mixed_bfloat16" or "mixed_float16".
    """

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    preset: str = ""
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    init_from: str = ""
    distribution: DistributionConfig = dataclasses.field(default_factory=DistributionConfig)
    batch_size: int = 16
    accumulation: int = 1
    steps: int = 10_000
    minutes: float = 0.0
    patience: int = 0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_steps: int = 0
    decay_steps: int = 0
    final_learning_rate: float = 0.0
    decay_at: tuple[int, ...] = ()
    decay_factor: float = 0.1
    clip_norm: float = 1.0
    average_decay: float = 0.999
    eval_every: int = 500
    eval_images: int = 1000
    checkpoint_every: int = 0
    log_seconds: float = 10.0
    num_samples: int = 16
    sample_every: int = 5000
    seed: int = 0
    jit_compile: str = "auto"
    dtype_policy: str = "float32"

    def __post_init__(self):
        self._check_ranges()
        self._check_schedule()
        if self.schedule == "cosine" and not self.decay_steps:
            # Here, so that it does not change when an interrupted run is given more steps.
            object.__setattr__(self, "decay_steps", self.steps)

    def _check_ranges(self) -> None:
        for name in ("batch_size", "accumulation", "steps", "eval_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in (
            "minutes", "patience", "warmup_steps", "decay_steps", "final_learning_rate", "clip_norm", "eval_images",
            "checkpoint_every", "num_samples", "sample_every",
        ):  # fmt: skip
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        for name, choices in (
            ("optimizer", OPTIMIZER_NAMES),
            ("schedule", SCHEDULES),
            ("jit_compile", ("auto", "true", "false")),
            ("dtype_policy", DTYPE_POLICIES),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be from 0 to 2**32 - 1, got {self.seed}.")
        for name in ("learning_rate", "decay_factor"):
            if not (getattr(self, name) > 0 and math.isfinite(getattr(self, name))):
                raise ValueError(f"{name} must be a positive number, got {getattr(self, name)}.")

    def _check_schedule(self) -> None:
        for name, schedule in (("decay_steps", "cosine"), ("final_learning_rate", "cosine"), ("decay_at", "step")):
            if getattr(self, name) and self.schedule != schedule:
                raise ValueError(f"{name} belongs to the schedule {schedule!r}, and the schedule is {self.schedule!r}.")
        if self.schedule == "step" and not self.decay_at:
            raise ValueError('The schedule "step" needs decay_at, the steps at which the learning rate falls.')
        if self.schedule == "cosine" and (self.decay_steps or self.steps) <= self.warmup_steps:
            raise ValueError(
                f"The cosine must end after the warm-up of {self.warmup_steps} steps, and ends at step "
                f"{self.decay_steps or self.steps}."
            )

    def model_arguments(self, data: ImageData) -> dict[str, Any]:
        """Arguments of `PixelRNN` for these images.

        Raises:
            ValueError: if neither the preset nor `model` gives one of them, or the preset does not exist.
        """
        arguments = {**(get_preset(self.preset).arguments if self.preset else {}), **self.model}
        arguments |= {"image_shape": data.image_shape, "levels": data.levels, "dtype": self.dtype_policy}
        missing = [n for n in ("block", "num_blocks", "hidden", "head_hidden") if n not in arguments]
        if missing:
            raise ValueError(
                f"The network is not given: pass --preset (one of {', '.join(PRESETS)}), or all of "
                f"{', '.join('--' + name for name in missing)}."
            )
        return arguments

    def check_batch(self, replicas: int) -> None:
        """Check that every replica gets as many images as every other one, in equal parts.

        Raises:
            ValueError: if not.
        """
        unit = replicas * self.accumulation
        if self.batch_size % unit:
            raise ValueError(
                f"batch_size must be a multiple of {replicas} replicas x {self.accumulation} parts (accumulation), "
                f"{unit}, so that every image counts the same; got {self.batch_size}. Take "
                f"{-(-self.batch_size // unit) * unit}."
            )

    def use_xla(self, model: PixelRNN) -> bool:
        """Whether XLA compiles a step.

        "auto": always, but for a PixelCNN on the CPU, which has no loop and whose convolutions oneDNN runs faster.
        """
        if self.jit_compile == "auto":
            return not (on_cpu() and model.block == "pixel_cnn")
        return self.jit_compile == "true"


def check_workdir(workdir: pathlib.Path, config: TrainConfig) -> None:
    """Check that a run in `workdir`, if there is one, has the same configuration.

    Raises:
        ValueError: if it has another one; the message lists what differs.
    """
    path = workdir / "config.json"
    if not path.exists():
        return
    # A run of an earlier version lacks what that did not have, and went by today's defaults.
    found, wanted = {**as_json(TrainConfig()), **read_json(path)}, as_json(config)
    different = [
        f"{key}: {found[key]!r} there, {wanted[key]!r} now"
        for key in sorted(wanted.keys() - set(FREE_TO_CHANGE))
        if found[key] != wanted[key]
    ]
    if different:
        raise ValueError(
            f"{workdir} holds a run of another configuration ({'; '.join(different)}). Choose another "
            "--workdir, or the same configuration to go on with that run."
        )


def as_json(config: TrainConfig) -> dict[str, Any]:
    """The configuration as JSON has it, where tuples are lists."""
    return json.loads(json.dumps(dataclasses.asdict(config)))
