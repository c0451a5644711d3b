"""Exact likelihood scores of a model on a split."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.data.image_data import images_and_condition
from pixelrnn_tf.devices.strategies import number_of_images, parts_for_cores, split_batch
from pixelrnn_tf.evaluation.compatibility import fit_data
from pixelrnn_tf.models import ImageModel, bits_per_dim, class_log_probs, log_prob, log_prob_by_scale
from pixelrnn_tf.models.classification import marginal_of
from pixelrnn_tf.progress import Progress
from pixelrnn_tf.typing import Structure


@dataclasses.dataclass(frozen=True)
class Score:
    """Mean negative log-likelihood of images.

    Attributes:
        nats_per_image: mean in nats per image.
        bits_per_dim: mean in bits per sub-pixel.
        standard_error: standard error of `nats_per_image` over the images; None for one image.
        images: number of images.
    """

    nats_per_image: float
    bits_per_dim: float
    standard_error: float | None
    images: int

    def __str__(self) -> str:
        error = "unknown" if self.standard_error is None else f"{self.standard_error:.2f}"
        return (
            f"{self.nats_per_image:.2f} nats per image (standard error {error}), "
            f"{self.bits_per_dim:.4f} bits/dim, {self.images} images"
        )


@dataclasses.dataclass(frozen=True)
class Classification:
    """Results of a class-conditional model on images without their labels.

    Attributes:
        marginal_nats_per_image: mean negative log-likelihood, marginalized over equally probable classes. Comparable
            with the score of an unconditional model.
        gain: improvement of the score by the label, in nats per image; at most ln(number of classes).
        accuracy: share of the images whose label is the most probable class, in [0, 1].
        classes: number of classes.
        images: number of images.
    """

    marginal_nats_per_image: float
    gain: float
    accuracy: float
    classes: int
    images: int

    def __str__(self) -> str:
        return (
            f"without labels {self.marginal_nats_per_image:.2f} nats per image; a label is worth {self.gain:.3f} nats "
            f"(at most ln {self.classes} = {math.log(self.classes):.3f}); {self.accuracy:.2%} of {self.images} images "
            f"classified correctly{self._warning()}"
        )

    def _warning(self) -> str:
        if self.gain >= 0:
            return ""
        if self.accuracy < 1.5 / self.classes:  # Hardly better than chance.
            reason = "the model has learned nothing about these classes"
        else:
            reason = "the likelihoods of the classes differ too much, so the model is too sure of a class"
        return f"; WARNING: labels do not improve the score: {reason}"


@dataclasses.dataclass(frozen=True)
class ScaleTerms:
    """Contribution of each scale of a Multi-Scale PixelRNN to a score, averaged over images.

    Attributes:
        sizes: height and width of the image of each scale, from the smallest.
        nats_per_image: negative log-likelihood of the smallest image, then of the pixels that each larger one adds,
            given the smaller. Their sum is the score.
        images: number of images.
    """

    sizes: tuple[tuple[int, int], ...]
    nats_per_image: tuple[float, ...]
    images: int

    def __str__(self) -> str:
        (first, *larger), (nats, *more) = (["x".join(map(str, size)) for size in self.sizes], self.nats_per_image)
        terms = [f"{first} {nats:.2f}", *(f"{size} given it {n:.2f}" for size, n in zip(larger, more, strict=True))]
        return f"{' + '.join(terms)} = {sum(self.nats_per_image):.2f} nats per image, {self.images} images"


class Evaluator:
    """Scorer of a model over the replicas of a strategy; its graph is built once, for one batch size.

    Every image counts once, whatever the number of replicas: incomplete batches are padded, and the padding is removed
    from the scores. Sums are in float64.

    Args:
        model: an `ImageModel`, created in the scope of the strategy.
        batch_size: images per pass over all replicas, rounded up to a multiple of their number.
        jit_compile: compile the pass with XLA.
    """

    def __init__(
        self,
        model: ImageModel,
        batch_size: int = 100,
        jit_compile: bool = False,
    ):
        self.model = model
        self.strategy = tf.distribute.get_strategy()
        replicas = self.strategy.num_replicas_in_sync
        self.batch_size = math.ceil(batch_size / replicas) * replicas
        self.jit_compile = jit_compile

        self._log_prob = self._on_replicas(lambda inputs: log_prob(model, *images_and_condition(inputs)))

    def _on_replicas(self, function: Any) -> Any:
        """Turn a function of one part of the images into one of the images of all replicas."""
        compiled = tf.function(function, jit_compile=self.jit_compile)

        # A Python function: a `tf.function` given to `run` would be compiled for all replicas together.
        def of_replica(images):
            return tf.concat([compiled(part) for part in parts_for_cores(images, self.jit_compile)], axis=0)

        return tf.function(lambda images: self.strategy.run(of_replica, args=(images,)))

    def log_prob(self, images: Structure) -> np.ndarray:
        """Compute the log-probability of up to `batch_size` images that all workers hold; all workers get the results.

        Args:
            images: inputs of the model as arrays: images, or a dictionary with conditions.

        Returns:
            nats, float32 `(batch,)`.
        """
        return self._run(self._log_prob, images, self.batch_size)

    def _run(self, function: Any, images: Structure, batch_size: int) -> np.ndarray:
        """Call a function from `_on_replicas` on a batch padded to `batch_size`."""
        number = number_of_images(images)

        def filled(values: np.ndarray) -> tf.Tensor:
            missing = np.zeros((batch_size - number, *values.shape[1:]), values.dtype)
            return tf.convert_to_tensor(np.concatenate([values, missing]))

        values = function(split_batch(self.strategy, tf.nest.map_structure(filled, images)))
        return self.strategy.gather(values, axis=0).numpy()[:number]

    def score(self, data: ImageData, split: str, limit: int = 0) -> Score:
        """Score the first `limit` images of a split, or all of them for 0.

        Raises:
            ValueError: if the images do not fit the model, or there is no such split.
            FloatingPointError: if the score of an image is not finite.
        """
        data = fit_data(self.model, data)
        with _first_batches(data, split, self.batch_size, limit) as batches:
            nats = -np.concatenate([self.log_prob(images) for images in batches]).astype("float64")
        broken = np.count_nonzero(~np.isfinite(nats))
        if broken:
            raise FloatingPointError(f"The {split} score of {broken} of {len(nats)} images is not finite.")
        mean = float(nats.mean())
        return Score(
            mean,
            bits_per_dim(mean, self.model.image_shape),
            float(nats.std(ddof=1) / math.sqrt(len(nats))) if len(nats) > 1 else None,
            len(nats),
        )

    def by_scale(self, data: ImageData, split: str) -> ScaleTerms:
        """Compute the contribution of each scale to the score of a split.

        Raises:
            ValueError: if the images do not fit the model, or there is no such split.
        """
        data = fit_data(self.model, data)
        run = self._on_replicas(lambda inputs: log_prob_by_scale(self.model, *images_and_condition(inputs)))
        with _first_batches(data, split, self.batch_size) as batches:
            nats = -np.concatenate([self._run(run, images, self.batch_size) for images in batches]).astype("float64")
        sizes = tuple(network.image_shape[:2] for network, _ in self.model.scales())
        return ScaleTerms(sizes, tuple(map(float, nats.mean(axis=0))), len(nats))

    def classify(self, data: ImageData, split: str, limit: int = 0) -> Classification:
        """Classify the first `limit` images of a split, or all of them for 0, with a class-conditional model.

        Raises:
            ValueError: if the images do not fit the model, or there is no such split.
        """
        data = fit_data(self.model, data)
        classes, replicas = len(data.classes), self.strategy.num_replicas_in_sync
        size = math.ceil(self.batch_size / classes / replicas) * replicas
        run = self._on_replicas(lambda images: class_log_probs(self.model, images))
        log_probs, labels = [], []
        with _first_batches(data, split, size, limit) as batches:
            for batch in batches:
                log_probs.append(self._run(run, batch["images"], size).astype("float64"))
                labels.append(batch["condition"])
        of_classes, right = np.concatenate(log_probs), np.concatenate(labels)
        marginal = np.array(marginal_of(of_classes))
        given_label = np.take_along_axis(of_classes, right[:, None], axis=1)[:, 0]
        return Classification(
            float(-marginal.mean()),
            float((given_label - marginal).mean()),
            float((of_classes.argmax(axis=1) == right).mean()),
            classes,
            len(right),
        )


@contextlib.contextmanager
def _first_batches(data: ImageData, split: str, batch_size: int, limit: int = 0) -> Iterator[Iterator[Any]]:
    """Iterate over batches of the first `limit` images of a split, or of all for 0, as arrays, with progress."""
    batches, size = data.batches(split, batch_size), data.split(split).size
    if limit:
        batches = batches.unbatch().take(limit).batch(batch_size)
    with Progress("scored", min(limit or size, size), last_line=False) as progress:

        def taken() -> Iterator[Any]:
            number = 0
            for batch in batches.as_numpy_iterator():
                yield batch
                number += number_of_images(batch)
                progress.update(number)

        yield taken()
