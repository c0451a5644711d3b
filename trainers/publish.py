"""Make a preset of a finished run: `python -m trainers.publish --workdir=runs/mnist --name=mnist_diagonal_bilstm_1x32`.

Writes a directory that `PixelRNN.from_preset` reads: the best network of the run, what is known of it (metadata.json),
its card (README.md) and the card's pictures. A run whose scores are not those of whole splits is refused.
"""

import dataclasses
import functools
import math
import pathlib
import platform
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.data_config import DataConfig
from pixelrnn_tf.programs.files import read_json
from pixelrnn_tf.programs.flags import as_flags, check, option
from trainers import model_cards
from trainers.config import TrainConfig
from trainers.workdir import with_defaults

if TYPE_CHECKING:
    import numpy as np

    from pixelrnn_tf.data import ImageData
    from pixelrnn_tf.models import PixelRNN

# Of the data sets that are prepared here; for others say it with --data_licence.
LICENCES = {
    "digits": "optical recognition of handwritten digits (E. Alpaydin, C. Kaynak), UCI, CC BY 4.0.",
    "tfds:binarized_mnist": "MNIST (Y. LeCun, C. Cortes), CC BY-SA 3.0, binarised by H. Larochelle.",
    "tfds:mnist": "MNIST (Y. LeCun, C. Cortes), CC BY-SA 3.0.",
    "tfds:fashion_mnist": "Fashion-MNIST (Zalando SE), MIT.",
    "tfds:cifar10": "CIFAR-10 (A. Krizhevsky): the authors name no licence.",
}
DATA_TITLES = {
    "digits": "the 8x8 digits of scikit-learn",
    "tfds:binarized_mnist": "binarised MNIST (fixed binarisation)",
    "tfds:mnist": "MNIST",
    "tfds:fashion_mnist": "Fashion-MNIST",
    "tfds:cifar10": "CIFAR-10",
}
BINARISATIONS = {"none": "", "dynamic": ", binarised anew", "threshold": ", binarised by a threshold"}
# So many first test images are scored again by whoever wants to see that the weights are these.
CHECKED_IMAGES = 200
TITLES = {"diagonal_bilstm": "Diagonal BiLSTM", "row_lstm": "Row LSTM", "pixel_cnn": "PixelCNN"}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to publish, as what."""

    workdir: pathlib.Path = option("Folder of a finished run.")
    name: str = option("Name of the preset.")
    out: pathlib.Path = option("Folder of the presets.", pathlib.Path("pixelrnn_tf/zoo"))
    description: str = option("What it is, in a sentence; by default that of the preset of this name.", "")
    remark: str = option("What else to say of the training, in a sentence.", "")
    commit: str = option("The commit that trained it.", "")
    data_licence: str = option("Licence of the data; known for the data sets of the README.", "")
    seed: int = option("Seed of the pictures.", 0, at_least=0, at_most=2**32 - 1)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    print(publish(options), flush=True)


def publish(options: Options) -> pathlib.Path:
    """Write the preset.

    Returns:
        its directory.

    Raises:
        ValueError: if the run is not finished or its scores are not of whole splits.
    """
    from pixelrnn_tf.models import preset_files
    from pixelrnn_tf.programs.model_files import load_model

    run, config = _finished_run(options.workdir)
    data = DataConfig(**config["data"]).load()
    check_whole_splits(run["scores"], {key: split.size for key, split in data.splits.items()}, options.workdir)
    model = load_model(options.workdir / "model.keras", "--workdir")
    shown = "test" if "test" in data.splits else "validation"
    metadata = _metadata(options, run, config, data, model, shown)
    directory = options.out / options.name
    with tempfile.TemporaryDirectory() as folder:
        pictures = pathlib.Path(folder)
        _write_small(options.workdir / "curve.png", pictures / "curve.png")
        _draw(model, data, shown, pictures, options.seed)
        preset_files.save_preset(model, directory, metadata, model_cards.card(metadata), sorted(pictures.iterdir()))
    return directory


def _finished_run(workdir: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `model.json` and `config.json` say, the latter with the defaults of what an earlier version did not have."""
    for name in ("model.keras", "model.json", "config.json", "report.md", "curve.png", "metrics.jsonl"):
        if not (workdir / name).is_file():
            raise ValueError(f"{workdir} holds no finished run: there is no {name}. Let trainers.train end first.")
    return read_json(workdir / "model.json"), with_defaults(read_json(workdir / "config.json"))


def check_whole_splits(scores: dict[str, Any], sizes: dict[str, int], workdir: pathlib.Path) -> None:
    """Check that every split but train was scored, and as a whole.

    Raises:
        ValueError: if not; the message names the split.
    """
    for split in sizes.keys() - {"train"}:
        scored = scores.get(split, {}).get("images", 0)
        if scored != sizes[split]:
            raise ValueError(
                f"{workdir} has scores of {scored} of the {sizes[split]} images of {split}; only scores of whole "
                "splits are published. Let trainers.train end, which scores them."
            )


def _metadata(
    options: Options, run: dict[str, Any], config: dict[str, Any], data: "ImageData", model: "PixelRNN", shown: str
) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    from pixelrnn_tf.models import PRESETS
    from pixelrnn_tf.version import __version__

    preset = PRESETS.get(options.name)
    description = options.description or (preset.description if preset else "")
    licence = options.data_licence or LICENCES.get(data.name, "")
    for flag, value in (("description", description), ("data_licence", licence)):
        if not value:
            raise ValueError(f"Give --{flag}: it is not known of {options.name}, trained on {data.name}.")
    scales = ["x".join(map(str, network.image_shape[:2])) for network, _ in model.scales()]
    return {
        "name": options.name,
        "description": description,
        "parameters": model.count_params(),
        "pixelrnn_tf_version": __version__,
        "keras_version": keras.__version__,
        "tensorflow_version": tf.__version__,
        "network": {
            "title": f"{TITLES.get(model.block, model.block)} {model.num_blocks} x {model.hidden}"
            + ", class-conditional" * bool(model.num_classes)
            + f", {len(scales)} scales: {' to '.join(scales)}" * (len(scales) > 1),
            "class": type(model).__name__,
            "image_shape": list(model.image_shape),
            "levels": model.levels,
            "classes": list(data.classes),
        },
        "data": {
            "title": DATA_TITLES.get(data.name, data.name) + BINARISATIONS[config["data"]["binarization"]],
            "name": data.name,
            "config": config["data"],
            "binarization": data.binarization,
            "splits": {key: {"name": split.name, "images": split.size} for key, split in data.splits.items()},
            "fingerprint": dict(data.fingerprint),
            "licence": licence,
        },
        "scores": run["scores"],
        "classification": run.get("classification"),
        "scales": run.get("scales"),
        "check": _score_of_first(model, data, shown),
        "paper": dataclasses.asdict(preset.paper_score) if preset and preset.paper_score else None,
        "training": _training(options, run, config),
        "speed": _speed(model, *data.first(shown, 16)),
    }


def _training(options: Options, run: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    first = config["eval_images"]
    selection = f"the first {first:,} validation images" if first else "the validation split"
    from trainers.journal import metrics_in

    last = max(line["step"] for line in metrics_in(options.workdir / "metrics.jsonl"))
    return {
        "steps": last,
        "best_step": run["steps"],
        "batch_size": config["batch_size"],
        "seconds": run["training_seconds"],
        "seed": config["seed"],
        "selection": f"the best score on {selection}, of evaluations every {config['eval_every']:,} steps",
        "command": command_of(config, options.name),
        "commit": options.commit or None,
        "remark": options.remark,
    }


def command_of(config: dict[str, Any], name: str) -> str:
    """The command of a run, with its folder called after the preset, and folders beside it where another lay."""
    start = pathlib.Path(config["init_from"])
    if len(start.parts) > 1:  # A file, and not the name of a preset.
        config = {**config, "init_from": "/".join(["runs", *start.parts[-2:]])}
    words = ["python -m trainers.train", *as_flags(TrainConfig, config), f"--workdir=runs/{name}"]
    return " \\\n    ".join(words)


def _score_of_first(model: "PixelRNN", data: "ImageData", split: str) -> dict[str, Any]:
    from trainers.scoring import Evaluator

    score = Evaluator(model).score(data, split, CHECKED_IMAGES)
    return {"split": split, "images": score.images, "nats_per_image": score.nats_per_image}


def _speed(model: "PixelRNN", images: "np.ndarray", condition: "np.ndarray | None", rounds: int = 5) -> dict[str, Any]:
    """How much longer drawing a batch takes than scoring it in one pass, both timed in turns, without XLA and with."""
    import tensorflow as tf

    from pixelrnn_tf.backend import cores
    from pixelrnn_tf.models import negative_log_likelihood
    from pixelrnn_tf.sampling import generate
    from trainers.benchmarks.training import time_in_turns

    inputs = images if condition is None else [images, condition]
    noise = tf.random.stateless_uniform(images.shape, (0, 0))
    steps = {}
    for xla in (False, True):
        steps[xla, "draw"] = tf.function(lambda: generate(model, noise, condition=condition), jit_compile=xla)
        steps[xla, "score"] = tf.function(lambda: negative_log_likelihood(images, model(inputs)), jit_compile=xla)
    waited_for = {name: functools.partial(_run, step) for name, step in steps.items()}
    seconds = time_in_turns(waited_for, rounds, times=2)
    return {
        "images": len(images),
        "draw_over_score": seconds[False, "draw"] / seconds[False, "score"],
        "draw_over_score_xla": seconds[True, "draw"] / seconds[True, "score"],
        "rounds": rounds,
        "processor": f"a CPU ({platform.machine()}, {cores()} cores)",
        "sub_pixels": math.prod(model.image_shape),
    }


def _run(step: Callable[[], Any]) -> Any:
    """Run a compiled function to its end: on an accelerator it returns before."""
    return step().numpy()


def _write_small(picture: pathlib.Path, path: pathlib.Path) -> None:
    """Write a drawing of few colours with a palette, a third of the bytes: presets travel in the package."""
    from PIL import Image

    Image.open(picture).convert("RGB").quantize(64).save(path, optimize=True)


def _draw(model: "PixelRNN", data: "ImageData", split: str, directory: pathlib.Path, seed: int) -> None:
    """The pictures of the card: images drawn, a row for each class; and images completed from their upper half."""
    from pixelrnn_tf.data import to_bytes
    from pixelrnn_tf.programs import occlusion, picture_grids, png_files
    from trainers.batched_sampling import complete_images, draw_picture

    draw_picture(model, directory / "samples.png", 8 * (model.num_classes or 8), seed)
    images, condition = data.first(split, 8)
    known = occlusion.known_pixels("lower_half", *model.image_shape[:2])
    completed = complete_images(model, images, known, 6, seed, condition=condition)
    panel = picture_grids.occlusion_panel(to_bytes(images, model.levels), known, to_bytes(completed, model.levels))
    png_files.write(directory / "completions.png", panel)


if __name__ == "__main__":
    program.run(main, Options)
