"""References for the answers of an export: a network, or the export's own logits."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from pixelrnn_tf.files import read_json
from pixelrnn_tf.layers.conditioning import LARGEST, ConditionFormat
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.serving.check.loader import Loader
from pixelrnn_tf.serving.example_inputs import example_inputs
from pixelrnn_tf.serving.saved_model_protos import read_meta_graph
from pixelrnn_tf.serving.saved_model_writer import CARD_FILE, in_float32


@dataclasses.dataclass(frozen=True)
class Format:
    """Input format of a served model, and for an export the maximum batch size and class names from its card."""

    image_shape: tuple[int, int, int]
    levels: int
    condition: ConditionFormat | None
    max_batch_size: int | None = dataclasses.field(default=None, compare=False)
    class_names: tuple[str, ...] | None = dataclasses.field(default=None, compare=False)
    card: dict[str, Any] | None = dataclasses.field(default=None, compare=False)
    inputs_name: str = "levels"

    @classmethod
    def of(cls, folder: pathlib.Path) -> "Format":
        """Read the format of an exported version from its `logits` signature and its card.

        Raises:
            ValueError: if it has no card, so that it is not an export of `export.saved_model`.
        """
        card = folder / CARD_FILE
        if not card.is_file():
            raise ValueError(f"There is no {card}: export the model with export.saved_model.")
        logits = read_meta_graph(folder).signature_def["logits"].outputs["logits"]
        sizes = [dim.size for dim in logits.tensor_shape.dim]
        shape, known = tuple(sizes[1:4]), read_json(card)
        names = known.get("class_names")
        condition = _condition_of(known, shape)
        names = None if names is None else tuple(names)
        inputs_name = known["model"].get("inputs", "levels")
        return cls(shape, sizes[4], condition, known.get("max_batch_size"), names, known, inputs_name)

    def example_inputs(self, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
        """Random valid values for every input; see `pixelrnn_tf.serving.example_inputs`."""
        return example_inputs(self.image_shape, self.levels, self.condition, batch, seed, self.inputs_name)


def _condition_of(card: dict[str, Any], image_shape: tuple[int, ...]) -> ConditionFormat | None:
    """Read the format of the condition from a card; older cards only have the features of a map."""
    if "condition" in card:
        takes = card["condition"]
        low, high = (_bound(takes.get(name, default)) for name, default in (("low", -LARGEST), ("high", LARGEST)))
        return ConditionFormat(tuple(takes["shape"]), takes["dtype"], takes["below"], low, high)
    features = card["model"].get("condition_features", 0)
    return ConditionFormat((*image_shape[:2], features), "float32") if features else None


def _bound(value: float | list[float]) -> float | tuple[float, ...]:
    return tuple(value) if isinstance(value, list) else value


ROWS_PER_RUN = 16


class Reference:
    """Reference network for the comparison of signatures.

    Args:
        run: function from images `(batch, height, width, channels)` and a condition or None to logits.
    """

    def __init__(self, run: Callable[[np.ndarray, Any], np.ndarray]):
        self.run = run

    def logits(self, images: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """Compute the logits of all rows."""
        return np.concatenate([self.run(*rows) for rows in self._chunks(images, condition)])

    def log_prob(self, images: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """Compute the log-probability of every image, in nats, summed in float64: `(batch,)`."""
        return self.log_prob_map(images, condition).sum((1, 2, 3))

    def log_prob_map(self, images: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """Compute the log-probability of every sub-pixel given the earlier ones, in nats, float64, image-shaped."""
        return np.concatenate([_log_prob(self.run(*rows), rows[0]) for rows in self._chunks(images, condition)])

    def class_log_probs(self, images: np.ndarray, num_classes: int) -> np.ndarray:
        """Compute the log-probability of every image given every class, in nats: `(batch, num_classes)`."""
        labels = [np.full(len(images), label, "int32") for label in range(num_classes)]
        return np.stack([self.log_prob(images, label) for label in labels], axis=1)

    def outside(
        self, images: np.ndarray, condition: np.ndarray | None, noise: np.ndarray, temperature: np.ndarray
    ) -> np.ndarray:
        """Distance of the noise of every sub-pixel from the interval of the level that it drew.

        The drawn images are teacher-forced; the distance is zero inside the interval.
        """
        parts = []
        for rows in self._chunks(images, condition, noise, temperature):
            images, condition, noise, temperature = rows
            low, high = intervals(self.run(images, condition), images, temperature[:, None, None, None, None])
            parts.append(np.maximum(0, np.maximum(low - noise, noise - high)))
        return np.concatenate(parts)

    def _chunks(self, images: np.ndarray, *arrays: np.ndarray | None) -> Iterator[tuple]:
        for start in range(0, len(images), ROWS_PER_RUN):
            rows = slice(start, start + ROWS_PER_RUN)
            yield images[rows], *(None if array is None else array[rows] for array in arrays)


def intervals(logits: np.ndarray, images: np.ndarray, temperature: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Compute the interval of the cumulative distribution of each level, in float64.

    Args:
        logits: `(..., levels)`.
        images: integer levels `(...)`.
        temperature: broadcasts to the logits.

    Returns:
        lower and upper ends, each `(...)`.
    """
    scaled = logits.astype("float64") / temperature
    probabilities = np.exp(scaled - scaled.max(-1, keepdims=True))
    probabilities /= probabilities.sum(-1, keepdims=True)
    index = images[..., None].astype(int)
    high = np.take_along_axis(np.cumsum(probabilities, axis=-1), index, -1)[..., 0]
    return high - np.take_along_axis(probabilities, index, -1)[..., 0], high


def _log_prob(logits: np.ndarray, images: np.ndarray) -> np.ndarray:
    logits = logits.astype("float64")
    logits -= logits.max(-1, keepdims=True)
    picked = np.take_along_axis(logits, images[..., None].astype(int), -1)[..., 0]
    return picked - np.log(np.exp(logits).sum(-1))


def model_reference(model: ImageModel, fmt: Format) -> Reference:
    """Make the reference of a Keras model, in float32.

    Raises:
        ValueError: if the export takes different images than the model.
    """
    own = Format(model.image_shape, model.levels, model.condition_format)
    if own != fmt:
        raise ValueError(f"The export is of another model: it takes {fmt}, but the given model takes {own}.")
    model = in_float32(model)
    run = tf.function(
        lambda images, condition: model(images if condition is None else [images, condition]), reduce_retracing=True
    )
    return Reference(lambda *rows: run(*(None if x is None else tf.constant(x) for x in rows)).numpy())


def own_reference(loader: Loader) -> Reference:
    """Make a reference of the `logits` signature of an export, for its other signatures."""

    def run(images, condition):
        inputs = {"images": images} | ({} if condition is None else {"condition": condition})
        return loader.run("logits", inputs)["logits"]

    return Reference(run)
