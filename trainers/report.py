"""What a run leaves for people and programs to read: `report.md` and `model.json`."""

import dataclasses
import platform
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_tf.models import PRESETS
from pixelrnn_tf.programs.durations import duration
from pixelrnn_tf.programs.files import write_json, written_beside
from pixelrnn_tf.version import __version__
from trainers.config import TrainConfig
from trainers.evaluation import Score
from trainers.strategies import describe

if TYPE_CHECKING:
    from trainers.training import Training


def write_card(training: "Training", scores: dict[str, Score]) -> None:
    """Write `model.json`: what `model.keras` was trained on, and its scores."""
    progress = training.progress
    write_json(
        training.workdir / "model.json",
        {
            "data": dataclasses.asdict(training.config.data),
            "binarization": training.data.binarization,
            "steps": progress.best_step,
            "training_seconds": round(progress.seconds, 1),
            "scores": {split: dataclasses.asdict(score) for split, score in scores.items()},
        },
    )


def write_report(training: "Training", scores: dict[str, Score], command: str) -> None:
    """Write `report.md`: data, network, training, scores with their units, and what it takes to do it again.

    Args:
        training: the finished run.
        scores: of the best model on whole splits.
        command: what the user typed; empty if the run was started from Python.
    """
    with written_beside(training.workdir / "report.md") as beside:
        beside.write_text("\n\n".join(_sections(training, scores, command)) + "\n")


def _sections(training: "Training", scores: dict[str, Score], command: str) -> list[str]:
    config, data, model = training.config, training.data, training.model
    pictures = ["![Training loss and validation score over the steps](curve.png)"]
    if config.num_samples:
        pictures.append(f"{config.num_samples} images drawn by the model:\n\n![Images drawn by the model](samples.png)")
    return [
        f"# {model.block} {model.num_blocks} x {model.hidden} on {data.name}",
        _score_table(training, scores),
        *_paper_score(config),
        "## Data",
        f"`{data.name}`: images of shape {data.image_shape}, {data.levels} levels. Binarisation: {data.binarization}.",
        _table(["split", "what it is", "images"], [[k, s.name, f"{s.size:,}"] for k, s in data.splits.items()]),
        "## Network",
        f"{model.count_params():,} parameters." + (f" Preset: `{config.preset}`." if config.preset else ""),
        _table(["argument", "value"], [[k, f"`{v}`"] for k, v in config.model_arguments(data).items()]),
        "## Training",
        _table(["", ""], _training_rows(training)),
        *pictures,
        "## Command",
        f"```\n{command or '(started from Python)'}\n```",
        "## Versions",
        f"pixelrnn_tf {__version__}, TensorFlow {tf.__version__}, Keras {keras.__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}.",
    ]


def _score_table(training: "Training", scores: dict[str, Score]) -> str:
    rows = [
        [
            split,
            f"{score.nats_per_image:.2f} ± {score.standard_error:.2f}",
            f"{score.bits_per_dim:.4f}",
            f"{score.images:,}",
        ]
        for split, score in scores.items()
    ]
    return (
        "Mean negative log-likelihood of whole splits, exact, with the standard error over the images; the weights are "
        f"the average with the best validation score, of step {training.progress.best_step}:\n\n"
        + _table(["split", "nats per image", "bits/dim", "images"], rows)
    )


def _paper_score(config: TrainConfig) -> list[str]:
    preset = PRESETS.get(config.preset)
    if preset is None or not preset.paper_score:
        return []
    return [f"The paper reports {preset.paper_score}, for this network trained to convergence."]


def _training_rows(training: "Training") -> list[list[str]]:
    config, progress = training.config, training.progress
    selection = f"first {config.eval_images:,} images" if config.eval_images else "all images"
    rate = f"{config.schedule}, {config.learning_rate:g}"
    rate += f", warm-up over {config.warmup_steps:,} steps" if config.warmup_steps else ""
    rate += f", to {config.final_learning_rate:g} at step {config.decay_steps:,}" * (config.schedule == "cosine")
    rate += f", times {config.decay_factor:g} at steps {', '.join(map(str, config.decay_at))}" * bool(config.decay_at)
    return [
        ["steps", f"{progress.step:,} of {config.batch_size} images"],
        ["training time", f"{duration(progress.seconds)}, without evaluations"],
        ["wall time", f"{duration(progress.wall_seconds)}, with evaluations and checkpoints"],
        ["devices", describe(training.strategy)],
        ["optimizer", config.optimizer],
        ["learning rate", rate],
        ["clipping", f"global norm {config.clip_norm:g}" if config.clip_norm else "none"],
        ["weight average", f"decay min({config.average_decay:g}, (1 + t) / (10 + t)) after t steps"],
        ["accumulation", f"{config.accumulation} parts of a batch"],
        ["selection", f"best validation score on the {selection}, every {config.eval_every:,} steps"],
        ["precision", f"{config.dtype_policy}; scores in float32"],
        ["XLA", "on" if training.xla else "off"],
        ["seed", str(config.seed)],
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
