"""Presets from finished runs: weights, metadata, card and pictures."""

import dataclasses
import math
import pathlib
import platform
import re
import statistics
import tempfile
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_tf.backend import cores
from pixelrnn_tf.data import ImageData, to_bytes
from pixelrnn_tf.evaluation.batched_sampling import complete_images, sample_grid
from pixelrnn_tf.evaluation.compatibility import fit_data
from pixelrnn_tf.evaluation.scoring import Evaluator
from pixelrnn_tf.files import read_json
from pixelrnn_tf.models import PRESETS, ImageModel, log_prob, preset_files
from pixelrnn_tf.models.classification import class_name
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.pictures import grids, occlusion, png_files
from pixelrnn_tf.programs.example_images import EXAMPLES, NUM_EXAMPLES, write_strip
from pixelrnn_tf.sampling import generate
from pixelrnn_tf.training import model_cards
from pixelrnn_tf.training.commands import command_of, without_folders
from pixelrnn_tf.training.metrics import last_step, validation_curve
from pixelrnn_tf.training.stages import STARTED_FROM
from pixelrnn_tf.training.workdir import read_config, with_defaults
from pixelrnn_tf.version import __version__
from pixelrnn_tf.zoo import METADATA

# Licenses of known data sets; for others pass --data_license.
LICENSES = {
    "digits": "optical recognition of handwritten digits (E. Alpaydin, C. Kaynak), UCI, CC BY 4.0.",
    "tfds:binarized_mnist": "MNIST (Y. LeCun, C. Cortes), CC BY-SA 3.0, binarized by H. Larochelle.",
    "tfds:mnist": "MNIST (Y. LeCun, C. Cortes), CC BY-SA 3.0.",
    "tfds:fashion_mnist": "Fashion-MNIST (Zalando SE), MIT.",
    "tfds:cifar10": "CIFAR-10 (A. Krizhevsky): the authors name no license.",
}
DATA_TITLES = {
    "digits": "the 8x8 digits of scikit-learn",
    "tfds:binarized_mnist": "binarized MNIST (fixed binarization)",
    "tfds:mnist": "MNIST",
    "tfds:fashion_mnist": "Fashion-MNIST",
    "tfds:cifar10": "CIFAR-10",
}
BINARIZATION_TITLES = {"none": "", "dynamic": ", binarized dynamically", "threshold": ", binarized by a threshold"}
# Number of first test images whose score verifies the weights.
CHECKED_IMAGES = 200
TITLES = {"diagonal_bilstm": "Diagonal BiLSTM", "row_lstm": "Row LSTM", "pixel_cnn": "PixelCNN"}


def num_samples(model: ImageModel) -> int:
    """Number of images in the grid of a card: 8 of each class, or 64."""
    return 8 * (model.num_classes or 8)


def publish(
    workdir: pathlib.Path,
    name: str,
    out: pathlib.Path,
    *,
    description: str = "",
    remark: str = "",
    commit: str = "",
    data_license: str = "",
    seed: int = 0,
) -> pathlib.Path:
    """Write the preset of a finished run: weights, metadata.json, card and pictures; an existing one is replaced.

    Args:
        workdir: folder of the run.
        name: name of the preset.
        out: folder of the presets.
        description: description of the network in one sentence; by default that of the preset with this name.
        remark: remark on the training in one sentence.
        commit: commit of the training code.
        data_license: license of the data; by default that of `LICENSES`.
        seed: seed of the pictures.

    Returns:
        the directory of the preset.

    Raises:
        ValueError: if the run is not finished, its scores are not of full splits, it started from the preset that it
            would replace, the directory holds other files, or the name is not valid for a folder.
    """
    check_name(name)
    directory = out / name
    preset_files.check_replaceable(directory)  # Before the minutes that drawing takes.
    run, config = _finished_run(workdir)
    _check_start(run, directory)
    model = load_model(workdir / "model.keras", "--workdir")
    data = fit_data(model, DataConfig(**config["data"]).load())
    check_whole_splits(run["scores"], {key: split.size for key, split in data.splits.items()}, workdir)
    shown = "test" if "test" in data.splits else "validation"
    training = _training(workdir, run, config, name) | {"commit": commit or None, "remark": remark}
    metadata = _metadata(name, description, data_license, run, config, data, model, shown, training, seed)
    with tempfile.TemporaryDirectory() as folder:
        pictures = pathlib.Path(folder)
        _write_small(workdir / "curve.png", pictures / "curve.png")
        _draw(model, data, shown, pictures, seed)
        preset_files.save_preset(model, directory, metadata, model_cards.card(metadata), sorted(pictures.iterdir()))
    return directory


def _finished_run(workdir: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read `model.json` and `config.json`, the latter with defaults for settings of later versions."""
    for name in ("model.keras", "model.json", "config.json", "report.md", "curve.png", "metrics.jsonl"):
        if not (workdir / name).is_file():
            raise ValueError(f"{workdir} holds no finished run: there is no {name}. Finish it with trainers.train.")
    run, config = read_json(workdir / "model.json"), with_defaults(read_config(workdir / "config.json"))
    scores = run.get("scores") if isinstance(run, dict) else None
    if not isinstance(scores, dict) or not all(isinstance(score, dict) for score in scores.values()):
        raise ValueError(f"{workdir / 'model.json'} was not written by a run: it must hold scores by split.")
    return run, config


def check_name(name: str) -> None:
    """Check that the name of a preset is valid for a folder.

    Raises:
        ValueError: if it is not.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
        raise ValueError(
            "--name must consist of at most 100 letters, digits and _ . -, and begin with a letter, a digit or _; got "
            f"{name!r}."
        )


def _check_start(run: dict[str, Any], directory: pathlib.Path) -> None:
    """Check that a run did not start from the preset that it would replace, whose weights would be lost.

    Raises:
        ValueError: if it did.
    """
    started = run.get(STARTED_FROM)
    if not started or not (directory / METADATA).is_file():
        return
    if started["weights_sha256"] == preset_files.read_metadata(directory).get("weights_sha256"):
        raise ValueError(
            f"The run started from {directory}, which it would replace: the training could not be repeated. Publish "
            "it under another --name, or first rename that preset and start from it there."
        )


def check_whole_splits(scores: dict[str, Any], sizes: dict[str, int], workdir: pathlib.Path) -> None:
    """Check that every split except train was fully scored.

    Raises:
        ValueError: if one was not; the message names the split.
    """
    for split in sizes.keys() - {"train"}:
        scored = scores.get(split, {}).get("images", 0)
        if scored != sizes[split]:
            raise ValueError(
                f"{workdir} has scores of {scored} of the {sizes[split]} images of {split}; only scores of full splits "
                "are published. Finish the run with trainers.train, which scores them."
            )


def _metadata(
    name: str,
    description: str,
    data_license: str,
    run: dict[str, Any],
    config: dict[str, Any],
    data: ImageData,
    model: ImageModel,
    shown: str,
    training: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    preset = PRESETS.get(name)
    description = description or (preset.description if preset else "")
    license = data_license or LICENSES.get(data.name, "")
    for flag, value in (("description", description), ("data_license", license)):
        if not value:
            raise ValueError(f"Pass --{flag}: it is not known for {name}, trained on {data.name}.")
    scales = ["x".join(map(str, network.image_shape[:2])) for network, _ in model.scales()]
    return {
        "name": name,
        "description": description,
        "parameters": model.count_params(),
        "pixelrnn_tf_version": __version__,
        "keras_version": keras.__version__,
        "tensorflow_version": tf.__version__,
        "network": {
            "title": f"{TITLES.get(model.block, model.block)} {model.num_blocks} x {model.hidden}"
            + f", mixture of {model.mixtures} logistics" * (model.output_name == "logistic_mixture")
            + ", class-conditional" * bool(model.num_classes)
            + f", {len(scales)} scales: {' to '.join(scales)}" * (len(scales) > 1),
            "class": type(model).__name__,
            "image_shape": list(model.image_shape),
            "levels": model.levels,
            "classes": list(model.class_names or data.classes),
        },
        "data": {
            "title": DATA_TITLES.get(data.name, data.name) + BINARIZATION_TITLES[config["data"]["binarization"]],
            "name": data.name,
            "config": config["data"],
            "binarization": data.binarization,
            "splits": {key: {"name": split.name, "images": split.size} for key, split in data.splits.items()},
            "fingerprint": dict(data.fingerprint),
            "licence": license,
        },
        "scores": run["scores"],
        "classification": run.get("classification"),
        "scales": run.get("scales"),
        "check": _score_of_first(model, data, shown),
        "paper": dataclasses.asdict(preset.paper_score) if preset and preset.paper_score else None,
        "training": training,
        "pictures": {"seed": seed},
        "speed": _speed(model, *data.first(shown, 16)),
    }


def _training(workdir: pathlib.Path, run: dict[str, Any], config: dict[str, Any], name: str) -> dict[str, Any]:
    first = config["eval_images"]
    selection = f"the first {first:,} validation images" if first else "the validation split"
    return {
        "steps": last_step(workdir / "metrics.jsonl"),
        "best_step": run["steps"],
        "batch_size": config["batch_size"],
        "seconds": run["training_seconds"],
        "seed": config["seed"],
        "selection": f"the best score on {selection}, of evaluations every {config['eval_every']:,} steps",
        "command": command_of(config, name),
        "curve": validation_curve(workdir / "metrics.jsonl"),
        **({"processor_seconds": run["processor_seconds"]} if run.get("processor_seconds") else {}),
        **_start(run),
    }


def _start(run: dict[str, Any]) -> dict[str, Any]:
    """Record of the initial weights without folders of this machine; empty for a run from scratch."""
    started = run.get(STARTED_FROM)
    return {STARTED_FROM: {**started, "source": without_folders(started["source"])}} if started else {}


def _score_of_first(model: ImageModel, data: ImageData, split: str) -> dict[str, Any]:
    score = Evaluator(model).score(data, split, CHECKED_IMAGES)
    return {"split": split, "images": score.images, "nats_per_image": score.nats_per_image}


def _speed(model: ImageModel, images: np.ndarray, condition: np.ndarray | None, rounds: int = 5) -> dict[str, Any]:
    """Measure the time of drawing a batch relative to scoring it in one pass, in turns, with and without XLA."""
    noise = tf.random.stateless_uniform(images.shape, (0, 0))
    steps = {}
    for xla in (False, True):
        steps[xla, "draw"] = tf.function(lambda: generate(model, noise, condition=condition), jit_compile=xla)
        steps[xla, "score"] = tf.function(lambda: log_prob(model, images, condition), jit_compile=xla)
    seconds: dict[Any, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step().numpy()  # Wait for the result: an accelerator returns early.
            seconds[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values[1:]) for name, values in seconds.items()}  # The first call compiles.
    return {
        "images": len(images),
        "draw_over_score": median[False, "draw"] / median[False, "score"],
        "draw_over_score_xla": median[True, "draw"] / median[True, "score"],
        "rounds": rounds,
        "processor": _processor(),
        "sub_pixels": math.prod(model.image_shape),
    }


def _processor() -> str:
    """Describe the device on which TensorFlow runs the network: the first GPU, or else the CPU."""
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        return f"a GPU ({tf.config.experimental.get_device_details(gpus[0]).get('device_name', 'of unknown name')})"
    return f"a CPU ({platform.machine()}, {cores()} cores)"


def _write_small(picture: pathlib.Path, path: pathlib.Path) -> None:
    """Write a drawing with few colors with a palette, which takes a third of the bytes in the package."""
    Image.open(picture).convert("RGB").quantize(64).save(path, optimize=True)


def _draw(model: ImageModel, data: ImageData, split: str, directory: pathlib.Path, seed: int) -> None:
    """Draw the pictures of the card, drawn and completed images, and the strip of examples."""
    png_files.write(directory / "samples.png", sample_grid(model, num_samples(model), seed))
    write_strip(directory / EXAMPLES, data.first(split, NUM_EXAMPLES)[0], model.levels)
    images, condition = data.first(split, 8)
    known = occlusion.known_pixels("lower_half", *model.image_shape[:2])
    completed = complete_images(model, images, known, 6, seed, condition=condition)
    names = [] if model.num_classes is None or condition is None else [class_name(model, k) for k in condition]
    panel = grids.occlusion_panel(to_bytes(images, model.levels), known, to_bytes(completed, model.levels), names)
    png_files.write(directory / "completions.png", panel)
