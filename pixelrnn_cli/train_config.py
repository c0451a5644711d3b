"""Configuration of a training run: the flags of `trainers.train` as one value."""

import dataclasses
import functools
from typing import Any

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option, options_in

# Settings that may change when a run resumes: duration, devices, and output.
FREE_TO_CHANGE = (
    "steps", "minutes", "patience", "log_seconds", "eval_every", "checkpoint_every", "num_samples", "sample_every",
    "jit_compile", "distribution",
)  # fmt: skip
MOST_STEPS = 1_000_000_000
CLASS_FEATURES = 16  # Size of the embedding of a class.

_network = functools.partial(option, group="Network", default=None)
_devices = functools.partial(option, group="Devices and machines")
_run = functools.partial(option, group="Run")
_optimizer = functools.partial(option, group="Optimizer and learning rate")
_shown = functools.partial(option, group="Evaluations, checkpoints and samples")


@dataclasses.dataclass(frozen=True)
class NetworkArguments:
    """Arguments of `PixelRNN` except the image shape and levels; None for the value of the preset or the default."""

    block: str | None = _network("Kind of block: pixel_cnn, row_lstm or diagonal_bilstm.")
    num_blocks: int | None = _network("Number of blocks.", at_least=1, at_most=1000)
    hidden: int | None = _network("Units h of a block.", at_least=1, at_most=16_384)
    head_hidden: int | None = _network("Features of the head's inner layers.", at_least=1, at_most=65_536)
    residual: bool | None = _network("Use residual connections in the blocks.")
    skips: bool | None = _network("Connect every block to the head.")
    output: str | None = _network(
        "Distribution of a sub-pixel: softmax, the paper's; or logistic_mixture, which learns gray and color levels "
        "faster.",
    )
    mixtures: int | None = _network("Components of --output=logistic_mixture; 5 by default.", at_least=1, at_most=256)
    inputs: str | None = _network(
        "Meaning of the values of the data: levels of brightness, or codes without an order.",
        choices=("levels", "codes"),
    )
    scales: tuple[int, ...] | None = _network(
        "Heights of the images of a Multi-Scale PixelRNN, from the smallest to the full one; each a multiple of the "
        "previous one.",
        form="increasing integers, such as 14,28",
    )
    upsampler_features: int | None = _network(
        "Features of the map of a smaller image, with --scales.", at_least=1, at_most=16_384
    )
    condition_features: int | None = _network(
        f"Features of the embedding of a class or vector, with --class_conditional or --vector_conditional; "
        f"{CLASS_FEATURES} by default.",
        at_least=1,
        at_most=16_384,
    )

    def __post_init__(self):
        check(self)


@dataclasses.dataclass(frozen=True)
class DistributionConfig:
    """Devices and machines of a run."""

    strategy: str = _devices(
        "Devices: none for the first one; mirrored for several of this machine; multi_worker for one process on every "
        "machine of a cluster; tpu for the cores of a TPU.",
        "none",
        choices=("none", "mirrored", "multi_worker", "tpu"),
    )
    num_devices: int = _devices(
        "Devices of this machine that --strategy=mirrored uses; 0 for all, and at least two.",
        0,
        at_least=0,
        at_most=1024,
    )
    num_virtual_devices: int = _devices(
        "Virtual devices of the CPU, to try --strategy=mirrored without GPUs; 0 for none.",
        0,
        at_least=0,
        at_most=1024,
    )
    cluster: tuple[str, ...] = _devices(
        "HOST:PORT of every worker of --strategy=multi_worker, the chief first; by default those of TF_CONFIG.",
        (),
        form="HOST:PORT,HOST:PORT",
    )
    task_index: int | None = _devices("Index of this process in --cluster, from 0.", None, at_least=0, at_most=100_000)
    tpu: str = _devices("Name or address of the TPU of --strategy=tpu; by default the one of this machine.", "")
    worker_timeout: float = _devices(
        "Seconds to wait for the other workers at the start.", 300.0, above=0, at_most=86_400
    )

    def __post_init__(self):
        check(self)
        for name, strategy in (
            ("num_devices", "mirrored"),
            ("num_virtual_devices", "mirrored"),
            ("cluster", "multi_worker"),
            ("tpu", "tpu"),
        ):
            if getattr(self, name) and self.strategy != strategy:
                raise ValueError(f"--{name} requires --strategy={strategy}, got --strategy={self.strategy}.")
        if bool(self.cluster) != (self.task_index is not None):
            raise ValueError("--cluster and --task_index require each other: all workers, and the index of this one.")
        if self.cluster and not 0 <= self.task_index < len(self.cluster):
            raise ValueError(
                f"--task_index must be from 0 to {len(self.cluster) - 1}, one of the workers of --cluster; "
                f"got {self.task_index}."
            )


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run. `python -m trainers.train --help` describes each field."""

    data: DataConfig = options_in(DataConfig)
    preset: str = option("A named network; the flags below replace its arguments.", "", group="Network")
    # Arguments of PixelRNN that replace the preset's.
    model: dict[str, Any] = options_in(NetworkArguments, as_dict=True)
    init_from: str = _run(
        "A .keras file, or the name of a preset with weights, to start a new run from. Without --preset, the run uses "
        "its network; it may have more --num_blocks.",
        "",
    )
    distribution: DistributionConfig = options_in(DistributionConfig)
    batch_size: int | None = _run(
        "Images per step, over all replicas; by default the preset's, or 16.", None, at_least=1, at_most=1_000_000
    )
    gradient_accumulation_steps: int = _run(
        "Parts in which a replica computes its images, one after another: less memory, same result.",
        1,
        at_least=1,
        at_most=1_000_000,
        alias="accumulation",
    )
    steps: int = _run("Steps to train for.", 10_000, at_least=1, at_most=MOST_STEPS)
    minutes: float = _run(
        "Maximum minutes of training, without evaluations and over all interruptions; 0 for no limit.",
        0.0,
        at_least=0,
        at_most=5_000_000,
    )
    patience: int = _run(
        "Stop after this many evaluations in a row without a better validation score; 0 for never.",
        0,
        at_least=0,
        at_most=MOST_STEPS,
    )
    optimizer: str = _optimizer(
        "Optimizer: adam; muon, which learns from fewer steps, see docs/training.md; rmsprop, the paper's; or sgd.",
        "adam",
        choices=("adam", "muon", "rmsprop", "sgd"),
    )
    learning_rate: float = _optimizer("Learning rate, the peak of the schedule.", 1e-3, above=0, at_most=1e30)
    schedule: str = _optimizer(
        "Learning rate after the warmup: constant, half a cosine down to --final_learning_rate, or falling in steps.",
        "constant",
        choices=("constant", "cosine", "step"),
    )
    warmup_steps: int = _optimizer(
        "Steps over which the learning rate rises from zero; 0 for none.", 0, at_least=0, at_most=MOST_STEPS
    )
    decay_steps: int = _optimizer("Step at which the cosine ends; 0 for --steps.", 0, at_least=0, at_most=MOST_STEPS)
    final_learning_rate: float = _optimizer("Learning rate at which the cosine ends.", 0.0, at_least=0, at_most=1e30)
    lr_boundaries: tuple[int, ...] = _optimizer(
        "Steps at which --schedule=step lowers the learning rate.",
        (),
        form="increasing steps, such as 20000,30000",
        alias="decay_at",
    )
    decay_factor: float = _optimizer("Factor of --schedule=step at each of its steps.", 0.1, above=0, at_most=1)
    weight_decay: float = _optimizer(
        "Decoupled weight decay: the fraction of the weights that a step of learning rate 1 removes. Biases and "
        "initial states do not decay. 0 for none.",
        0.0,
        at_least=0,
        below=1,
    )
    dropout: float = _optimizer(
        "Probability that a feature of the output of a block is dropped in training, at all positions of an image; "
        "0 for none.",
        0.0,
        at_least=0,
        below=1,
    )
    mutation_rate: float = _optimizer(
        "Probability that a sub-pixel of a training image gets a random level, to train a background network for "
        "likelihood ratios. Scores use unchanged images. 0 for none.",
        0.0,
        at_least=0,
        at_most=1,
    )
    global_clipnorm: float = _optimizer(
        "Maximum global norm of the gradients; 0 for no clipping.",
        1.0,
        at_least=0,
        at_most=1e30,
        alias="clip_norm",
    )
    ema_decay: float = _optimizer(
        "Maximum decay of the moving average of the weights that is scored and saved; 0 for no average.",
        0.999,
        at_least=0,
        below=1,
        alias="average_decay",
    )
    eval_every: int = _shown(
        "Steps between evaluations on the validation split, each with a checkpoint; the first one is before training.",
        500,
        at_least=1,
        at_most=MOST_STEPS,
    )
    eval_images: int = _shown(
        "Number of validation images of these evaluations; 0 for all. The scores at the end use full splits.",
        1000,
        at_least=0,
        at_most=MOST_STEPS,
    )
    checkpoint_every: int = _shown("Steps between further checkpoints; 0 for none.", 0, at_least=0, at_most=MOST_STEPS)
    log_seconds: float = _shown("Seconds between lines of progress.", 10.0, at_least=0, at_most=10_000_000)
    num_samples: int = _shown(
        "Images to draw at the end and for TensorBoard; 0 for none.", 16, at_least=0, at_most=10_000
    )
    sample_every: int = _shown(
        "Steps between images drawn for TensorBoard, at the next evaluation; 0 for never.",
        5000,
        at_least=0,
        at_most=MOST_STEPS,
    )
    seed: int = _run("Seed of the weights, the order of the images and the samples.", 0, at_least=0, at_most=2**32 - 1)
    jit_compile: str = _run(
        "Compile loss and gradients with XLA; auto: yes, except for a PixelCNN on the CPU.",
        "auto",
        choices=("auto", "true", "false"),
    )
    dtype_policy: str = _run(
        "Keras dtype policy for training; mixed_float16 scales the loss. Scores are computed in float32.",
        "float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )

    def __post_init__(self):
        check(self)
        NetworkArguments(**{field.name: self.model.get(field.name) for field in dataclasses.fields(NetworkArguments)})
        is_conditional = self.data.class_conditional or self.data.vector_conditional
        if "condition_features" in self.model and not is_conditional:
            raise ValueError("--condition_features requires --class_conditional or --vector_conditional.")
        if "upsampler_features" in self.model and "scales" not in self.model:
            raise ValueError("--upsampler_features requires --scales.")
        default = "logistic_mixture" if self.preset else "softmax"
        if "mixtures" in self.model and self.model.get("output", default) != "logistic_mixture":
            raise ValueError("--mixtures requires --output=logistic_mixture.")
        if "scales" in self.model and "inputs" in self.model:
            raise ValueError(
                "--scales and --inputs cannot be combined: the images of a Multi-Scale PixelRNN are levels."
            )
        if "scales" in self.model and is_conditional:
            given = "class" if self.data.class_conditional else "vector"
            raise ValueError(f"--scales and --{given}_conditional cannot be combined.")
        if self.model.get("inputs") == "codes":
            self._check_codes()
        self._check_schedule()
        if self.schedule == "cosine" and not self.decay_steps:
            # Set it here, so that it does not change when an interrupted run gets more steps.
            object.__setattr__(self, "decay_steps", self.steps)

    def _check_codes(self) -> None:
        data, changed = self.data, ["levels", "channels", "value_range", "image_size"]
        if data.name.startswith("folder:"):  # Its pictures may need them.
            changed = ["levels", "value_range"]
        given = [name for name in changed if getattr(data, name)] + ["binarization"] * (data.binarization != "none")
        if given:
            raise ValueError(
                f"--{given[0]} would compute with codes as with brightness, but --inputs=codes have no order: omit it."
            )

    def _check_schedule(self) -> None:
        for name, schedule in (("decay_steps", "cosine"), ("final_learning_rate", "cosine"), ("lr_boundaries", "step")):
            if getattr(self, name) and self.schedule != schedule:
                raise ValueError(f"{name} requires the schedule {schedule!r}, but the schedule is {self.schedule!r}.")
        if self.schedule == "step" and not self.lr_boundaries:
            raise ValueError('The schedule "step" requires lr_boundaries, the steps at which the learning rate falls.')
        if any(b <= a for a, b in zip((0, *self.lr_boundaries), self.lr_boundaries, strict=False)):
            given = ",".join(map(str, self.lr_boundaries))
            raise ValueError(f"--lr_boundaries must be increasing steps, such as 20000,30000; got {given}.")
        if self.schedule == "cosine" and (self.decay_steps or self.steps) <= self.warmup_steps:
            raise ValueError(
                f"The cosine must end after the warm-up of {self.warmup_steps} steps, but ends at step "
                f"{self.decay_steps or self.steps}."
            )

    @property
    def images_per_step(self) -> int:
        """Batch size, after it has been set.

        Raises:
            ValueError: if it is None.
        """
        if self.batch_size is None:
            raise ValueError("batch_size is not set: use `training.network.with_batch_size`.")
        return self.batch_size

    def check_batch(self, replicas: int) -> None:
        """Check that every replica gets the same number of images, in equal parts.

        Raises:
            ValueError: if it does not.
        """
        unit = replicas * self.gradient_accumulation_steps
        if self.images_per_step % unit:
            raise ValueError(
                f"batch_size must be a multiple of {replicas} replicas x {self.gradient_accumulation_steps} "
                f"parts (--gradient_accumulation_steps), {unit}, to weight all images equally; got {self.batch_size}. "
                f"Use {-(-self.images_per_step // unit) * unit}."
            )
