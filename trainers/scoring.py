"""Exact scores of a model on a split."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.distributions import discretized_categorical
from pixelrnn_tf.models import PixelRNN, bits_per_dim
from pixelrnn_tf.programs.model_files import check_fit
from trainers.devices import parts_for_cores, split_batch


@dataclasses.dataclass(frozen=True)
class Score:
    """Mean negative log-likelihood of a number of images.

    Attributes:
        nats_per_image: the mean.
        bits_per_dim: the same in bits per sub-pixel.
        standard_error: of `nats_per_image`, over the images; None for one image.
        images: how many.
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


class Evaluator:
    """Scores a model over the replicas of a strategy; its graph is built once, for one batch size.

    Every image counts once, whatever the number of replicas: a batch that is not full is filled up, and what
    was filled in is left out of the scores again. Sums are taken in float64.

    Args:
        model: a `PixelRNN` without a conditioning map, made in the scope of the strategy.
        batch_size: images per pass, over all replicas; rounded up to a multiple of their number.
        jit_compile: whether XLA compiles the pass.
        strategy: by default the one whose scope this is in.
    """

    def __init__(
        self,
        model: PixelRNN,
        batch_size: int = 100,
        jit_compile: bool = False,
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.model = model
        self.strategy = strategy or tf.distribute.get_strategy()
        replicas = self.strategy.num_replicas_in_sync
        self.batch_size = math.ceil(batch_size / replicas) * replicas
        log_prob = tf.function(
            lambda images: discretized_categorical(model(images)).log_prob(tf.cast(images, tf.int32)),
            jit_compile=jit_compile,
        )

        # A function of Python: one of TensorFlow given to `run` would be compiled for all replicas together.
        def of_replica(images):
            return tf.concat([log_prob(part) for part in parts_for_cores(images, jit_compile)], axis=0)

        self._log_prob = tf.function(lambda images: self.strategy.run(of_replica, args=(images,)))

    def log_prob(self, images: np.ndarray) -> np.ndarray:
        """Nats per image, `(batch,)`, on every worker, of at most `batch_size` images that all workers hold."""
        missing = self.batch_size - len(images)
        filled = np.concatenate([images, np.zeros((missing, *images.shape[1:]), images.dtype)])
        nats = self._log_prob(split_batch(self.strategy, tf.convert_to_tensor(filled)))
        return self.strategy.gather(nats, axis=0).numpy()[: len(images)]

    def score(self, data: ImageData, split: str, limit: int = 0) -> Score:
        """Score the first `limit` images of a split, or all of them for 0.

        Raises:
            ValueError: if the images do not fit the model, or there is no such split.
            FloatingPointError: if the score of an image is not finite.
        """
        check_fit(self.model, data)
        batches = data.batches(split, self.batch_size)
        if limit:
            batches = batches.unbatch().take(limit).batch(self.batch_size)
        nats = -np.concatenate([self.log_prob(images) for images in batches.as_numpy_iterator()]).astype("float64")
        broken = np.count_nonzero(~np.isfinite(nats))
        if broken:
            raise FloatingPointError(f"The {split} score is not finite: that of {broken} of {len(nats)} images.")
        mean = float(nats.mean())
        return Score(
            mean,
            bits_per_dim(mean, self.model.image_shape),
            float(nats.std(ddof=1) / math.sqrt(len(nats))) if len(nats) > 1 else None,
            len(nats),
        )
