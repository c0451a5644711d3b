"""What a training run is made of: the flags of `trainers.train` as one value."""

import dataclasses
import json
import math
import pathlib
from typing import Any

from pixelrnn_tf.data import ImageData, load
from pixelrnn_tf.models import PRESETS, PixelRNN, get_preset

# What may change between an interruption and the resumption: how long to run and what to show.
FREE_TO_CHANGE = ("steps", "minutes", "log_seconds", "eval_every", "num_samples", "jit_compile")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which images: the arguments of `pixelrnn_tf.data.load`."""

    name: str = "digits"
    levels: int | None = None
    binarization: str = "none"
    image_size: tuple[int, int] | None = None
    channels: int | None = None

    def load(self) -> ImageData:
        return load(self.name, self.levels, self.binarization, self.image_size, self.channels)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        data: which images.
        preset: name of a preset, or empty: then `model` says it all.
        model: arguments of `PixelRNN` besides the image's shape and levels; they replace the preset's.
        batch_size: images per step.
        steps: when to stop.
        minutes: when to stop, if that comes first; 0 for no limit. Time before an interruption counts.
        optimizer: "adam" or "rmsprop" (the paper's).
        learning_rate: constant.
        clip_norm: largest global norm of the gradients; 0 for no clipping.
        average_decay: largest decay of the weight average that is evaluated and saved.
        eval_every: steps between evaluations on the validation split, which also save a checkpoint.
        eval_images: how many validation images those use, from the first; 0 for all. The scores printed at
            the end are always of whole splits.
        log_seconds: seconds between lines of progress.
        num_samples: images drawn at the end; 0 for none.
        seed: of the initial weights and the order of the images.
        jit_compile: "auto", "true" or "false": whether XLA compiles a step.
        dtype_policy: Keras dtype policy, such as "float32" or "mixed_bfloat16".
    """

    data: DataConfig = DataConfig()
    preset: str = ""
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    batch_size: int = 16
    steps: int = 10_000
    minutes: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    clip_norm: float = 1.0
    average_decay: float = 0.999
    eval_every: int = 500
    eval_images: int = 1000
    log_seconds: float = 10.0
    num_samples: int = 16
    seed: int = 0
    jit_compile: str = "auto"
    dtype_policy: str = "float32"

    def __post_init__(self):
        for name in ("batch_size", "steps", "eval_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in ("minutes", "clip_norm", "eval_images", "num_samples"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        if self.optimizer not in ("adam", "rmsprop"):
            raise ValueError(f'optimizer must be "adam" or "rmsprop", got {self.optimizer!r}.')
        if self.jit_compile not in ("auto", "true", "false"):
            raise ValueError(f'jit_compile must be "auto", "true" or "false", got {self.jit_compile!r}.')
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be from 0 to 2**32 - 1, got {self.seed}.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ValueError(f"learning_rate must be a positive number, got {self.learning_rate}.")

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

    def use_xla(self, model: PixelRNN) -> bool:
        """Whether XLA compiles a step. "auto": where a loop runs over small steps, which is where it pays."""
        if self.jit_compile == "auto":
            return model.block == "diagonal_bilstm"
        return self.jit_compile == "true"


def check_workdir(workdir: pathlib.Path, config: TrainConfig) -> None:
    """Check that a run in `workdir`, if there is one, has the same configuration.

    Raises:
        ValueError: if it has another one; the message lists what differs.
    """
    path = workdir / "config.json"
    if not path.exists():
        return
    found, wanted = json.loads(path.read_text()), json.loads(json.dumps(dataclasses.asdict(config)))
    different = [
        f"{key}: {found.get(key)!r} there, {wanted.get(key)!r} now"
        for key in sorted((found.keys() | wanted.keys()) - set(FREE_TO_CHANGE))
        if found.get(key) != wanted.get(key)
    ]
    if different:
        raise ValueError(
            f"{workdir} holds a run of another configuration ({'; '.join(different)}). Choose another "
            "--workdir, or the same configuration to go on with that run."
        )
