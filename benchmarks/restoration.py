"""Damage images and restore them: `python -m benchmarks.restoration [--model=PATH] [--data=...] [--share=0.03]`.

A share of the pixels of test images gets another value: the other level of binary images, black or white in others.
Each line shows what restoration does at a threshold: the share of damaged sub-pixels that have their value again, the
share of the other sub-pixels that lose it, and the share that is wrong in the end. The first line is the damaged image,
the last one a 3x3 median filter.
"""

import dataclasses
import pathlib

import numpy as np

from pixelrnn_cli import program
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option, options_in
from pixelrnn_cli.shared_options import SPLITS


@dataclasses.dataclass(frozen=True)
class Options:
    """Model, images, damage and thresholds."""

    model: pathlib.Path = option("A .keras file, or a preset with weights.", pathlib.Path("mnist_diagonal_bilstm_7x16"))
    split: str = option("Split of the images.", "test", choices=SPLITS)
    num_images: int = option("Number of images, from the first.", 500, at_least=1, at_most=100_000)
    share: float = option("Share of the pixels to damage.", 0.03, above=0, below=1)
    thresholds: tuple[float, ...] = option(
        "Thresholds in bits per sub-pixel.", (2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0), form="numbers, such as 5,6"
    )
    seed: int = option("Seed of the damage and of the restoration.", 0, at_least=0, at_most=2**63 - 1)
    data: DataConfig | None = options_in(DataConfig, given_by="data")

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.evaluation.batched_sampling import restore_images
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.programs import model_files

    model = load_model(options.model)
    data = model_files.images_for(model, options.model, options.data, options.split)
    images, condition = data.first(options.split, options.num_images)
    damaged = damage(images, model.levels, options.share, options.seed)
    print(f"{len(images)} images, {(damaged != images).mean():.2%} of the sub-pixels damaged", flush=True)
    print(f"{'threshold':>12} {'repaired':>10} {'spoiled':>10} {'wrong':>10} {'mean error':>10}", flush=True)
    print(line("none", images, damaged, damaged), flush=True)
    for threshold in options.thresholds:
        restored, _ = restore_images(model, damaged, threshold, options.seed, condition=condition)
        print(line(f"{threshold:g} bits", images, damaged, restored), flush=True)
    print(line("median", images, damaged, median_filter(damaged)), flush=True)


def damage(images: np.ndarray, levels: int, share: float, seed: int) -> np.ndarray:
    """Give a share of the pixels another value: black or white, all colors of a pixel the same."""
    rng = np.random.default_rng(seed)
    chosen = rng.random((*images.shape[:3], 1)) < share
    white = rng.random(chosen.shape) < 0.5
    other = 1 - images.astype(int) if levels == 2 else np.where(white, levels - 1, 0)
    return np.where(chosen, other, images).astype(images.dtype)


def median_filter(images: np.ndarray) -> np.ndarray:
    """Replace each sub-pixel by the median of its 3x3 neighborhood, with the border repeated."""
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    shifted = [padded[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
    return np.median(shifted, axis=0).astype(images.dtype)


def line(name: str, images: np.ndarray, damaged: np.ndarray, restored: np.ndarray) -> str:
    """Describe restored images: shares of repaired and spoiled sub-pixels, and the mean absolute error in levels."""
    wrong, was_wrong = restored != images, damaged != images
    error = np.abs(restored.astype(int) - images).mean()
    repaired, spoiled = 1 - wrong[was_wrong].mean(), wrong[~was_wrong].mean()
    return f"{name:>12} {repaired:>10.1%} {spoiled:>10.2%} {wrong.mean():>10.2%} {error:>10.4f}"


if __name__ == "__main__":
    program.run(main, Options)
