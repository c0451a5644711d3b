"""Surprise maps: bits per pixel as a picture, and scores as a table."""

import csv
import math
import pathlib
from collections.abc import Iterable, Sequence
from typing import IO

import numpy as np
from PIL import Image, ImageDraw

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.files import written_beside
from pixelrnn_tf.models import PixelRNN, log_prob, log_prob_map, oddness
from pixelrnn_tf.pictures.captions import with_words
from pixelrnn_tf.pictures.grids import grid_of_groups
from pixelrnn_tf.progress import Progress

# From expected to unexpected: dark to bright, readable without colors too.
_COLORS = np.array([(0, 0, 4), (60, 15, 110), (150, 40, 100), (220, 80, 50), (250, 160, 20), (252, 255, 164)])
_BAR, _MARGIN = 16, 8  # Pixels.
# Percentile at the end of the color scale; larger values have the same color.
PERCENTILE = 99.5
PAIRS_PER_ROW = 4
COLUMNS = ("file", "nats", "bits/dim", "complexity", "input complexity score", "ratio")


def bits_per_pixel(
    model: PixelRNN, images: np.ndarray, condition: np.ndarray | None = None, batch_size: int = 64
) -> np.ndarray:
    """Compute -log2 p of every pixel given the earlier ones, summed over its colors.

    Args:
        model: the network.
        images: integer levels `(number, height, width, channels)`.
        condition: input of a conditional model, `(number, ...)`.
        batch_size: images per pass.

    Returns:
        float64 `(number, height, width)`.

    Raises:
        FloatingPointError: if one is not finite.
    """
    nats = _in_batches(log_prob_map, model, images, condition, batch_size)
    return -nats.sum(-1) / math.log(2)


def log_probs(
    model: PixelRNN, images: np.ndarray, condition: np.ndarray | None = None, batch_size: int = 64
) -> np.ndarray:
    """Compute the log-probability of every image, in nats, float64 `(number,)`; arguments as in `bits_per_pixel`."""
    return _in_batches(log_prob, model, images, condition, batch_size)


def picture(images: np.ndarray, bits: np.ndarray, rows: Sequence[str] = (), title: str = "") -> np.ndarray:
    """Draw each image next to its map, with captions and a shared color scale.

    Args:
        images: bytes `(number, height, width, 1 or 3)`.
        bits: `(number, height, width)`; the scale ends at the 99.5th percentile.
        rows: names of the rows, if any.
        title: title of the picture.

    Returns:
        uint8 `(height, width, 3)`.
    """
    # With the maximum, a single pixel could leave all others dark.
    most = max(float(np.percentile(bits, PERCENTILE, method="higher")), 1e-30)
    pairs = np.stack([np.broadcast_to(images, (*images.shape[:3], 3)), colored(bits / most)], axis=1)
    grid, columns = grid_of_groups(pairs, PAIRS_PER_ROW)
    shown = with_words(grid, rows, ["image", "bits per pixel"] * columns, title)
    bar = _bar(len(grid), most, bool(bits.max() > most))
    above = np.full((len(shown) - len(bar), *bar.shape[1:]), 255, "uint8")
    return np.concatenate([shown, np.concatenate([above, bar])], axis=1)


def colored(fractions: np.ndarray) -> np.ndarray:
    """Map numbers from 0 to 1 to colors, uint8 `(..., 3)`."""
    place = np.linspace(0, 1, len(_COLORS))
    return np.stack([np.interp(fractions, place, _COLORS[:, k]) for k in range(3)], axis=-1).round().astype("uint8")


def _bar(height: int, most: float, more: bool) -> np.ndarray:
    """Draw the color scale, from 0 at the bottom to `most`, or more, at the top, with its numbers."""
    labels = [f"{'>' * more}{most:.3g}", f"{most / 2:.3g}", "0", "bits"]
    width = _BAR + 2 * _MARGIN + 8 * max(map(len, labels))
    bar = np.full((height, width, 3), 255, "uint8")
    length = max(height - 4 * _MARGIN, 2)
    bar[_MARGIN : _MARGIN + length, _MARGIN : _MARGIN + _BAR] = colored(np.linspace(1, 0, length))[:, None]
    image = Image.fromarray(bar)
    places = (_MARGIN, _MARGIN + length / 2 - 5, _MARGIN + length - 10, _MARGIN + length + 4)
    for label, top in zip(labels, places, strict=True):
        ImageDraw.Draw(image).text((_BAR + 1.5 * _MARGIN, top), label, fill=(0, 0, 0))
    return np.asarray(image)


def write_scores(
    path: pathlib.Path, names: Iterable[str], images: np.ndarray, log_prob: np.ndarray, background: np.ndarray | None
) -> None:
    """Write one line per image: likelihood, complexity, and the out-of-distribution scores.

    Args:
        path: path of the CSV file.
        names: names of the images.
        images: uint8 levels `(number, height, width, channels)`.
        log_prob: log-probability of each image, in nats.
        background: log-probabilities under a background network; None leaves the ratio empty.
    """
    shape = images.shape[1:]
    bits = oddness.negative_log_likelihood_score(log_prob, shape)
    complexity = oddness.complexity(images)
    ratio = [""] * len(images)
    if background is not None:
        ratio = [f"{value:.6f}" for value in oddness.likelihood_ratio(log_prob, background, shape)]
    # File names need not be UTF-8.
    with written_beside(path) as beside, _open_table(beside) as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in zip(names, -log_prob, bits, complexity, bits - complexity, ratio, strict=True):
            table.writerow([value if isinstance(value, str) else f"{value:.6f}" for value in row])


def _open_table(path: pathlib.Path) -> IO[str]:
    return path.open("w", newline="", encoding="utf-8", errors="surrogateescape")


def check_same_images(model: PixelRNN, background: PixelRNN) -> None:
    """Check that a background network takes the same images as a model.

    Raises:
        ValueError: if it does not.
    """
    own, other = (model.image_shape, model.levels), (background.image_shape, background.levels)
    if own != other or background.condition_format is not None:
        raise ValueError(
            f"The background network must take the model's images, {own[0]} with {own[1]} levels, and no condition; it "
            f"takes {other[0]} with {other[1]} levels{'' if background.condition_format is None else ', a condition'}."
        )


def as_bytes(images: np.ndarray, levels: int) -> np.ndarray:
    """Convert levels to bytes for display."""
    return np.asarray(to_bytes(images, levels))


def _in_batches(function, model, images, condition, batch_size) -> np.ndarray:
    parts = []
    with Progress("scored", len(images), last_line=False) as progress:
        for start in range(0, len(images), batch_size):
            rows = slice(start, start + batch_size)
            its = None if condition is None else condition[rows]
            parts.append(np.asarray(function(model, images[rows], its), "float64"))
            progress.update(min(start + batch_size, len(images)))
    values = np.concatenate(parts)
    broken = np.count_nonzero(~np.isfinite(values.reshape(len(values), -1)).all(1))
    if broken:
        raise FloatingPointError(f"The score of {broken} of {len(values)} images is not finite.")
    return values
