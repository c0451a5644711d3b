"""Comparison of a preset with its metadata: scores and samples are computed again."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from pixelrnn_tf.data import ImageData, check_unchanged
from pixelrnn_tf.evaluation.batched_sampling import sample_grid
from pixelrnn_tf.evaluation.compatibility import fit_data
from pixelrnn_tf.evaluation.scoring import Evaluator
from pixelrnn_tf.models import ImageModel, preset_files
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.programs import model_files
from pixelrnn_tf.programs.publishing import num_samples
from pixelrnn_tf.typing import Config
from pixelrnn_tf.zoo import find_preset

# Scores of different processors differ by rounding in float32.
RELATIVE_ERROR = 1e-5
# An image changes from its first pixel on whose noise is nearer to a boundary than rounding, which is rare.
MOST_CHANGED = 0.05


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one comparison.

    Attributes:
        subject: what was compared, such as "test" or "samples.png".
        passed: whether it agrees with the metadata; None if it could not be compared.
        text: the numbers, or the reason why it could not be compared.
    """

    subject: str
    passed: bool | None
    text: str

    def __str__(self) -> str:
        word = {True: "ok", False: "DIFFERS", None: "skipped"}[self.passed]
        return f"{self.subject}: {word}, {self.text}"


def verify(preset: str, quick: bool = False) -> Iterator[Finding]:
    """Compute the scores and the samples of a preset again, and compare them with its metadata.

    Loading the preset checks the SHA-256 of its weights.

    Args:
        preset: its name, or its directory.
        quick: whether to score the images of the metadata's `check` (the first 200) instead of full splits.

    Yields:
        a finding for the number of parameters, for every score, and for the grid of samples.

    Raises:
        ValueError: if there is no such preset, or its weights are not those of its metadata.
    """
    directory = find_preset(preset)
    if directory is None:
        raise ValueError(f"There is no preset {preset!r}.")
    metadata, model = preset_files.read_metadata(directory), load_model(directory)
    parameters = model.count_params()
    yield Finding("parameters", parameters == metadata["parameters"], f"{parameters:,}")
    yield from _scores(model, directory, metadata, quick)
    yield _samples(model, directory, metadata)


def _scores(model: ImageModel, directory: pathlib.Path, metadata: Config, quick: bool) -> Iterator[Finding]:
    expected = {metadata["check"]["split"]: metadata["check"]} if quick else metadata["scores"]
    card, evaluator = model_files.card_of(directory), Evaluator(model)
    data: ImageData | None = None
    for split, score in expected.items():
        try:
            if data is None:  # Loading may read every image.
                data = model_files.data_config(card, directory).load()
            check_unchanged(data, card.get("fingerprint"), f"the model {directory}", [split])
            fitting = fit_data(model, data)
        except (OSError, ValueError) as error:
            yield Finding(split, None, f"its images are not available: {error}")
            continue
        got = evaluator.score(fitting, split, score["images"] if quick else 0)
        same = math.isclose(got.nats_per_image, score["nats_per_image"], rel_tol=RELATIVE_ERROR)
        yield Finding(
            split,
            same and got.images == score["images"],
            f"{got.nats_per_image:.4f} nats per image over {got.images:,} images; the metadata has "
            f"{score['nats_per_image']:.4f} over {score['images']:,}",
        )


def _samples(model: ImageModel, directory: pathlib.Path, metadata: Config) -> Finding:
    """Draw the grid of the card again, from its seed."""
    grid = sample_grid(model, num_samples(model), metadata.get("pictures", {}).get("seed", 0))
    old = np.asarray(Image.open(directory / "samples.png").convert("RGB"))
    new = np.broadcast_to(grid, (*grid.shape[:2], 3))
    if new.shape != old.shape:
        return Finding("samples.png", False, f"{new.shape[1]}x{new.shape[0]} pixels, not {old.shape[1]}x{old.shape[0]}")
    changed = float((new != old).any(axis=-1).mean())
    return Finding("samples.png", changed <= MOST_CHANGED, f"{changed:.2%} of the pixels differ")
