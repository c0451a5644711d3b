"""Results of a run: `report.md` for people and `model.json` for programs."""

import dataclasses
import pathlib
import platform
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf.data import ImageData
from pixelrnn_tf.evaluation.scoring import Classification, ScaleTerms, Score
from pixelrnn_tf.files import write_json, write_text
from pixelrnn_tf.models import PRESETS
from pixelrnn_tf.progress import duration
from pixelrnn_tf.training.checkpoints import Progress
from pixelrnn_tf.training.model_cards import nats_and_error
from pixelrnn_tf.training.stages import STARTED_FROM, describe
from pixelrnn_tf.training.workdir import FINGERPRINT
from pixelrnn_tf.version import __version__


@dataclasses.dataclass(frozen=True)
class Results:
    """Scores of the best model of a run on full splits, by split.

    Attributes:
        scores: scores on validation and test, if they exist.
        classification: results of a class-conditional model, on one split.
        scales: terms of the scores of a Multi-Scale PixelRNN.
    """

    scores: dict[str, Score]
    classification: dict[str, Classification] = dataclasses.field(default_factory=dict)
    scales: dict[str, ScaleTerms] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """Summary of a run.

    Attributes:
        config: configuration of the run.
        data: images of the run.
        network: arguments of the `PixelRNN`.
        parameters: number of parameters.
        progress: progress of the run.
        devices: description of the strategy and number of replicas.
        xla: True if XLA compiles a step.
        started_from: initial weights and their training, see `stages.started_from`; None for a run from scratch.
    """

    config: TrainConfig
    data: ImageData
    network: dict[str, Any]
    parameters: int
    progress: Progress
    devices: str
    xla: bool
    started_from: dict[str, Any] | None = None

    def name(self) -> str:
        """Kind and size of the network."""
        scales = "-".join(map(str, self.network.get("scales", ())))
        size = f"{self.network['block']} {self.network['num_blocks']} x {self.network['hidden']}"
        return f"{size}, scales {scales}," if scales else size


def write_card(workdir: pathlib.Path, run: RunSummary, results: Results) -> None:
    """Write `model.json`: the training data of `model.keras`, and its scores."""
    found = {name: by_split for name, by_split in dataclasses.asdict(results).items() if by_split or name == "scores"}
    write_json(
        workdir / "model.json",
        {
            "data": dataclasses.asdict(run.config.data),
            "binarization": run.data.binarization,
            FINGERPRINT: dict(run.data.fingerprint),
            **({"classes": list(run.data.classes)} if run.data.classes else {}),
            **({STARTED_FROM: run.started_from} if run.started_from else {}),
            "steps": run.progress.best_step,
            "training_seconds": round(run.progress.seconds, 1),
            "processor_seconds": round(run.progress.processor_seconds, 1),
            **found,
        },
    )


def write_report(workdir: pathlib.Path, run: RunSummary, results: Results, command: str) -> None:
    """Write `report.md`: data, network, training, scores with units, and the command and versions to reproduce it.

    Args:
        workdir: folder of the run.
        run: the finished run.
        results: results of the best model.
        command: command line of the user; empty if the run was started from Python.
    """
    has_curve = (workdir / "curve.png").exists()
    write_text(workdir / "report.md", "\n\n".join(_sections(run, results, command, has_curve)) + "\n")


def _sections(run: RunSummary, results: Results, command: str, has_curve: bool) -> list[str]:
    config, data = run.config, run.data
    pictures = ["![Training loss and validation score over the steps](curve.png)"] if has_curve else []
    if config.num_samples:
        pictures.append(f"{config.num_samples} images drawn by the model:\n\n![Images drawn by the model](samples.png)")
    return [
        f"# {run.name()} on {data.name}",
        _score_table(run, results.scores),
        *[f"Classes, {split}: {found}." for split, found in results.classification.items()],
        *[f"Scales, {split}: {terms}." for split, terms in results.scales.items()],
        *_paper_score(config),
        "## Data",
        f"`{data.name}`: images of shape {data.image_shape}, {data.levels} levels. Binarization: {data.binarization}.",
        *([f"Classes, in the order of their labels: {', '.join(data.classes)}."] if data.classes else []),
        _table(["split", "what it is", "images"], [[k, s.name, f"{s.size:,}"] for k, s in data.splits.items()]),
        "## Network",
        f"{run.parameters:,} parameters." + (f" Preset: `{config.preset}`." if config.preset else ""),
        _table(["argument", "value"], [[k, f"`{v}`"] for k, v in run.network.items()]),
        "## Training",
        _table(["", ""], _training_rows(run)),
        *pictures,
        "## Command",
        f"```\n{command or '(started from Python)'}\n```",
        "## Versions",
        f"pixelrnn_tf {__version__}, TensorFlow {tf.__version__}, Keras {keras.__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}.",
    ]


def _score_table(run: RunSummary, scores: dict[str, Score]) -> str:
    rows = [
        [
            split,
            nats_and_error(score.nats_per_image, score.standard_error),
            f"{score.bits_per_dim:.4f}",
            f"{score.images:,}",
        ]
        for split, score in scores.items()
    ]
    return (
        "Exact mean negative log-likelihood of full splits, with the standard error over the images. The weights are "
        f"the average with the best validation score, from step {run.progress.best_step}:\n\n"
        + _table(["split", "nats per image", "bits/dim", "images"], rows)
    )


def _paper_score(config: TrainConfig) -> list[str]:
    preset = PRESETS.get(config.preset)
    if preset is None or not preset.paper_score:
        return []
    return [f"The paper reports {preset.paper_score}, for this network trained to convergence."]


def _training_rows(run: RunSummary) -> list[list[str]]:
    config, progress = run.config, run.progress
    selection = f"first {config.eval_images:,} images" if config.eval_images else "all images"
    rate = f"{config.schedule}, {config.learning_rate:g}"
    rate += f", warm-up over {config.warmup_steps:,} steps" if config.warmup_steps else ""
    rate += f", to {config.final_learning_rate:g} at step {config.decay_steps:,}" * (config.schedule == "cosine")
    rate += f", times {config.decay_factor:g} at steps {', '.join(map(str, config.lr_boundaries))}" * bool(
        config.lr_boundaries
    )
    return [
        ["steps", f"{progress.step:,} of {config.batch_size} images"],
        ["training time", f"{duration(progress.seconds)}, without evaluations"],
        ["processor time", f"{duration(progress.processor_seconds)}, without evaluations"],
        ["wall time", f"{duration(progress.wall_seconds)}, with evaluations and checkpoints"],
        ["devices", run.devices],
        ["optimizer", config.optimizer],
        ["learning rate", rate],
        ["weight decay", f"{config.weight_decay:g}" if config.weight_decay else "none"],
        ["dropout", f"{config.dropout:g}" if config.dropout else "none"],
        *([["mutation", f"rate {config.mutation_rate:g}"]] if config.mutation_rate else []),
        ["clipping", f"global norm {config.global_clipnorm:g}" if config.global_clipnorm else "none"],
        ["weight average", f"decay min({config.ema_decay:g}, (1 + t) / (10 + t)) after t steps"],
        ["accumulation", f"{config.gradient_accumulation_steps} parts of a batch"],
        ["selection", f"best validation score on the {selection}, every {config.eval_every:,} steps"],
        ["precision", f"{config.dtype_policy}; scores in float32"],
        ["XLA", "on" if run.xla else "off"],
        ["seed", str(config.seed)],
        *([["started from", describe(run.started_from)]] if run.started_from else []),
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
