"""Measure out-of-distribution detection: `python -m trainers.ood --model=PATH --in_data=... --out_data=... --out=...`.

Scores the model's own kind of images and other images, converted to its size, colors and levels. Prints for each score
the AUROC: the probability that one of the other images scores higher than one of the model's own. 1 is perfect, 0.5 is
chance, and less than 0.5 is typical of likelihood. Likelihood ratios need a --background network, trained with
--mutation_rate or with a small receptive field. Writes scores.json, histograms.png, and odd.png with the least and the
most unusual images and their maps.

Choose the background network on modified validation images (--split=validation --out_data=made), not on the images you
want to detect.
"""

import dataclasses
import pathlib
import shlex
import time
from typing import TYPE_CHECKING

from pixelrnn_cli import program
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option
from pixelrnn_cli.shared_options import SPLITS

if TYPE_CHECKING:
    from pixelrnn_tf.data import ImageData
    from pixelrnn_tf.models import PixelRNN

MADE = "made"


@dataclasses.dataclass(frozen=True)
class Options:
    """Images and networks to compare."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    in_data: str = option(
        'The model\'s own kind of images, such as "tfds:fashion_mnist"; the training split is read too.'
    )
    out_data: str = option(
        f'Other images, such as "tfds:mnist"; or "{MADE}": flipped, inverted and noisy images of --in_data.'
    )
    out: pathlib.Path = option("Folder for scores.json and the pictures.", written="folder")
    background: pathlib.Path | None = option("A background network: a .keras file, or the name of a preset.", None)
    split: str = option("Split of both.", "test", choices=SPLITS)
    num_images: int = option("Images of each, from the first.", 1000, at_least=2, at_most=1_000_000)
    bootstraps: int = option("Resamplings for the standard error.", 200, at_least=2, at_most=100_000)
    batch_size: int = option("Images per pass.", 64, at_least=1, at_most=100_000)
    seed: int = option("Seed of the resampling and of modified images.", 0, at_least=0, at_most=2**32 - 1)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.evaluation import odd_images, surprise_maps
    from pixelrnn_tf.files import write_json
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.pictures import png_files

    start = time.process_time()
    model = load_model(options.model)
    if model.condition_format is not None:
        raise ValueError("The model takes a condition; trainers.ood requires an unconditional model.")
    background = load_model(options.background, "--background") if options.background else None
    if background is not None:
        surprise_maps.check_same_images(model, background)
    own = _load(options.in_data, model)
    images = own.first(options.split, options.num_images)[0]
    if options.out_data == MADE:
        others = odd_images.made_odd(images, model.levels, options.seed)
    else:
        others = _load(options.out_data, model, whole=options.split == "all").first(options.split, options.num_images)[
            0
        ]
    training = own.first("train", min(options.num_images, 1000))[0]
    scores = odd_images.scores(model, background, images, others, training, options.batch_size)
    results = odd_images.aurocs(scores, options.bootstraps, options.seed)
    for name, (auroc, error) in results.items():
        print(f"{name:<24} AUROC {auroc:.4f} (bootstrap standard error {error:.4f})", flush=True)
    best = "likelihood ratio" if background is not None else "input complexity"
    write_json(options.out / "scores.json", {name: list(result) for name, result in results.items()})
    odd_images.write_histograms(options.out / "histograms.png", scores)
    shown = odd_images.least_and_most(images, others, scores[best], 4)
    if shown.shape[-1] in (1, 3):
        bits = surprise_maps.bits_per_pixel(model, shown, batch_size=options.batch_size)
        pictures = surprise_maps.as_bytes(shown, model.levels)
        rows = [f"{which} odd, {whose}" for whose in ("own", "others") for which in ("least", "most")]
        title = f"The least and most odd images by {best}; own: {options.in_data}; others: {options.out_data}"
        rows = rows if len(shown) == 16 else []
        png_files.write(options.out / "odd.png", surprise_maps.picture(pictures, bits, rows=rows, title=title))
    print(
        f"{len(images)} images of {options.in_data}, {len(others)} of {options.out_data} ({options.split}), "
        f"{time.process_time() - start:.0f} s of CPU time: {shlex.quote(str(options.out))}"
    )


def _load(name: str, model: "PixelRNN", whole: bool = False) -> "ImageData":
    """Load a data set in the model's format, and print its description."""
    from pixelrnn_tf.evaluation.compatibility import fit_data

    height, width, channels = model.image_shape
    depth = channels if channels in (1, 3) else None
    data = DataConfig(name, levels=model.levels, image_size=(height, width), channels=depth).load(whole)
    data = fit_data(model, data)
    print(data.describe(), flush=True)
    return data


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
