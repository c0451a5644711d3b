"""Compare every signature of a SavedModel, run by the server's loader, with the network."""

import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import to_levels
from pixelrnn_tf.models import bits_per_dim
from pixelrnn_tf.sampling import image_noise
from pixelrnn_tf.serving.check.loader import Loader, LoaderError
from pixelrnn_tf.serving.check.reference import Format, Reference

# Compared quantities and their limits.
LIMITS = {
    "scores": 1e-5,  # Difference relative to max(1, |value|) of log-probabilities in nats, of bits and of logits.
    "split": 1e-5,  # Relative difference of scores between a batch and the same rows in two requests.
    "noise": 1e-5,  # Distance of a noise value from the interval of the level that it drew.
    "known": 0,  # Known sub-pixels that a completion changed.
    "answered": 0,  # Invalid requests that got an answer.
}

Values = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Measure:
    """One comparison.

    Attributes:
        signature: name of the signature.
        quantity: compared quantity, one of `LIMITS`.
        value: the worst value found.
    """

    signature: str
    quantity: str
    value: float

    @property
    def right(self) -> bool:
        return bool(self.value <= LIMITS[self.quantity])


def compare(
    loader: Loader, fmt: Format, reference: Reference, batch_sizes: tuple[int, ...] = (1, 3, 64)
) -> list[Measure]:
    """Compare every signature on batches of several sizes, each also split in two.

    Returns:
        the worst values over all batches, by signature and quantity.
    """
    measures: list[Measure] = []
    batch_sizes = tuple(sorted({min(batch, fmt.max_batch_size or batch) for batch in batch_sizes}))
    for seed, batch in enumerate(batch_sizes):
        inputs = fmt.example_inputs(batch, seed)
        for signature in sorted(loader.signatures):
            outputs = _run(loader, signature, inputs)
            measures += measure(reference, fmt, signature, inputs, outputs)
            if batch > 1:
                split = _run_split(loader, signature, inputs, batch // 3)
                measures += measure(reference, fmt, signature, inputs, split)
                measures.append(Measure(signature, "split", _split_difference(outputs, split, fmt)))
    return worst([*measures, *refusals(loader, fmt)])


def worst(measures: list[Measure]) -> list[Measure]:
    """Reduce measures of the same quantity to the worst one; NaN is worst."""
    found: dict[tuple[str, str], Measure] = {}
    for item in measures:
        key = item.signature, item.quantity
        if key not in found or not item.value <= found[key].value:
            found[key] = item
    return [found[key] for key in sorted(found)]


def measure(reference: Reference, fmt: Format, signature: str, inputs: Values, outputs: Values) -> Iterator[Measure]:
    """Compare the outputs of one request with the network's."""
    condition = inputs.get("condition")
    if "value" in outputs:
        told = zip(inputs["key"], outputs["value"], strict=True)
        wrong = [json.loads(value) != (fmt.card or {}).get(key.decode()) for key, value in told]
        yield Measure(signature, "scores", float(sum(wrong)))
        return
    if "logits" in outputs:
        yield Measure(signature, "scores", _relative(outputs["logits"], reference.logits(inputs["images"], condition)))
        return
    if "class_name" in outputs and fmt.class_names is not None:
        labels = outputs["probabilities"].argmax(1) if "probabilities" in outputs else inputs["condition"]
        names = np.array([fmt.class_names[label].encode() for label in labels], object)
        yield Measure(signature, "scores", float((names != outputs["class_name"]).sum()))
        if "probabilities" not in outputs:
            return
    if "probabilities" in outputs:
        of_classes = reference.class_log_probs(inputs["images"], outputs["probabilities"].shape[1])
        best = of_classes.max(axis=1, keepdims=True)
        given = np.exp(of_classes - best)
        yield Measure(signature, "scores", _relative(outputs["probabilities"], given / given.sum(1, keepdims=True)))
        marginal = best[:, 0] + np.log(given.mean(axis=1))
        yield Measure(signature, "scores", _relative(outputs["log_prob"], marginal))
        return
    images = inputs["images"]
    if "log_prob_map" in outputs:
        terms = reference.log_prob_map(images, condition)
        yield Measure(signature, "scores", _relative(outputs["log_prob_map"], terms))
    if signature.startswith(("sample", "complete")):
        images = _images(outputs, fmt)
        noise = image_noise(inputs["seed"], fmt.image_shape).numpy()
        outside = reference.outside(images, condition, noise, inputs["temperature"])
        if signature.startswith("complete"):
            known = inputs["known"]
            changed = (images != inputs["images"])[known].sum()
            yield Measure(signature, "known", float(changed))
            outside = outside[~known]
        yield Measure(signature, "noise", float(outside.max(initial=0)))
    expected = reference.log_prob(images, condition)
    yield Measure(signature, "scores", _relative(outputs["log_prob"], expected))
    if "bits_per_dim" in outputs:
        bits = -bits_per_dim(expected, fmt.image_shape)
        yield Measure(signature, "scores", _relative(outputs["bits_per_dim"], bits, bits_per_dim(1.0, fmt.image_shape)))


def _relative(given: np.ndarray, expected: np.ndarray, unit: float = 1.0) -> float:
    """Largest difference relative to max(unit, |expected|)."""
    difference = np.abs(given.astype("float64") - expected) / np.maximum(unit, np.abs(expected))
    return float(difference.max())


def _images(outputs: Values, fmt: Format) -> np.ndarray:
    """Levels of drawn images, from the output that holds them."""
    if "images" in outputs:
        return outputs["images"]
    pictures = [tf.io.decode_png(file, channels=fmt.image_shape[-1]).numpy() for file in outputs["image_bytes"]]
    return to_levels(np.stack(pictures), fmt.levels)


def _run_split(loader: Loader, signature: str, inputs: Values, first: int) -> Values:
    """Run a batch as two requests: `first` rows, at least one, and the rest."""
    rows = slice(max(1, first)), slice(max(1, first), None)
    parts = [_run(loader, signature, {name: value[part] for name, value in inputs.items()}) for part in rows]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _split_difference(outputs: Values, split: Values, fmt: Format) -> float:
    """Difference between the scores of a batch and of its two parts.

    Drawn images may differ by rounding, if noise is at the end of an interval. The intervals of both are tested, and
    the scores of such images are left out here.
    """
    if "logits" in outputs:
        return _relative(split["logits"], outputs["logits"])
    if "probabilities" in outputs or "log_prob_map" in outputs:
        return max(_relative(split[name], outputs[name]) for name in outputs if name != "class_name")
    for name in ("class_name", "value"):
        if name in outputs:
            return float((split[name] != outputs[name]).sum())
    same = slice(None)
    if "bits_per_dim" not in outputs:
        same = (_images(outputs, fmt) == _images(split, fmt)).all((1, 2, 3))
        if not same.any():
            return np.nan  # Rounding cannot change every image.
    return _relative(split["log_prob"][same], outputs["log_prob"][same])


def refusals(loader: Loader, fmt: Format) -> Iterator[Measure]:
    """Send requests with one invalid input each: none may be answered, and the loader must survive."""
    good = fmt.example_inputs(2)
    for signature in sorted(loader.signatures):
        answered, names = 0, loader.signatures[signature].inputs
        for name in names:
            for bad in _wrong(name, good[name], fmt, alone=len(names) == 1):
                answered += _is_answered(loader, signature, {**good, name: bad})
        if fmt.max_batch_size is not None:
            rows = fmt.example_inputs(fmt.max_batch_size + 1)
            answered += _is_answered(loader, signature, rows)
        yield Measure(signature, "answered", float(answered))


def _is_answered(loader: Loader, signature: str, inputs: Values) -> bool:
    try:
        _run(loader, signature, inputs)
    except LoaderError as error:
        if error.code != tf.errors.INVALID_ARGUMENT:
            raise
        return False
    return True


def _wrong(name: str, value: np.ndarray, fmt: Format, alone: bool) -> Iterator[np.ndarray]:
    """Make invalid values: a batch size that differs from other inputs (or 0), a wrong shape, and a wrong range."""
    yield value[:0] if alone else np.concatenate([value, value])
    if value.ndim > 1:
        yield np.concatenate([value, value[..., :1]], axis=-1)
    if name == "images" and fmt.levels <= np.iinfo(value.dtype).max:
        yield np.full_like(value, fmt.levels)
    elif name == "condition" and fmt.condition is not None:
        low, high = fmt.condition.bounds
        yield np.full_like(value, low - 1)
        yield np.full_like(value, high + 1)
        if fmt.condition.below is None:
            yield np.full_like(value, np.nan)
    elif name == "temperature":
        yield np.full_like(value, np.nan)
    elif name == "key":
        yield np.array([b"dream"] * len(value), object)
    elif value.dtype == object:
        yield np.array([b"no picture"] * len(value), object)
        yield np.array([file[:40] for file in value], object)


def _run(loader: Loader, signature: str, inputs: Values) -> Values:
    return loader.run(signature, {name: inputs[name] for name in loader.signatures[signature].inputs})
