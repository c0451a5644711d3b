"""Exact likelihood: the training loss and its units."""

import math

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.outputs import log_softmax_at
from pixelrnn_tf.models.levels import check_whole
from pixelrnn_tf.typing import Config, DType, ImageShape, Shape, Tensor, TensorLike


def log_prob_of_levels(levels: TensorLike, logits: Tensor) -> Tensor:
    """Compute the log-probability of each level, in nats.

    Args:
        levels: integers `(...)`.
        logits: `(..., levels)`.

    Returns:
        `(...)`, float32 (float64 for float64 logits); NaN for an invalid level.

    Raises:
        ValueError: for shapes that do not match, or fractions outside a graph.
    """
    check_whole(levels, "images")
    if not _fits(np.shape(levels), logits.shape[:-1]):
        raise ValueError(
            f"levels of shape {tuple(np.shape(levels))} do not match logits of shape {tuple(logits.shape)}."
        )
    if keras.backend.standardize_dtype(logits.dtype) != "float64":
        logits = ops.cast(logits, "float32")
    return log_softmax_at(logits, ops.cast(levels, logits.dtype))


def negative_log_likelihood(images: TensorLike, logits: Tensor) -> Tensor:
    """Compute -log p of each image from the logits of one parallel pass (paper section 2.1).

    Args:
        images: integer levels `(batch, height, width, channels)`, each in `[0, levels)`.
        logits: `(batch, height, width, channels, levels)`.

    Returns:
        nats per image, `(batch,)`, float32 (float64 for float64 logits); NaN for an image with an invalid level.

    Raises:
        ValueError: for shapes that do not match, or fractions outside a graph.
    """
    check_targets(images, tuple(logits.shape)[1:4])
    return -ops.sum(log_prob_of_levels(images, logits), axis=(1, 2, 3))


def bits_per_dim(nats: TensorLike, image_shape: ImageShape) -> TensorLike:
    """Convert nats per image to bits per sub-pixel: nats / (height * width * channels * ln 2).

    Args:
        nats: negative log-likelihood in nats per image; a number or a tensor of any shape.
        image_shape: `(height, width, channels)`.
    """
    return nats / (math.prod(image_shape) * math.log(2.0))


def check_targets(targets: TensorLike, image_shape: Shape) -> None:
    """Check that targets are images.

    Args:
        targets: array or tensor of any shape.
        image_shape: `(height, width, channels)`; None for an unknown size.

    Raises:
        ValueError: if the shape does not fit.
    """
    shape = tuple(np.shape(targets))
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        raise ValueError(
            f"The targets have shape {shape}, but images are their own targets: call fit(images), or "
            "fit([images, labels]) for a class-conditional model."
        )
    expected = (None, *image_shape)
    if not _fits(shape, expected):
        raise ValueError(f"The targets must be images of the shape {expected}, None being the batch; got {shape}.")


def _fits(shape: Shape, expected: Shape) -> bool:
    """True if two partially known shapes may be equal."""
    return len(shape) == len(expected) and all(None in (n, m) or n == m for n, m in zip(shape, expected, strict=True))


def _nats(images: Tensor, predictions: Tensor) -> Tensor:
    """Nats per image: the predictions themselves, or computed from them if they are logits."""
    if len(predictions.shape) != 1:
        return negative_log_likelihood(images, predictions)
    check_targets(images, (None, None, None))
    return predictions


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class NegativeLogLikelihood(keras.losses.Loss):
    """Keras loss of `negative_log_likelihood`: the mean over the batch, in nats per image.

    Args:
        reduction: reduction over the images, as in any Keras loss; None for the nats of each image.
        name: name of the loss.
        dtype: dtype of the loss; Keras's float type by default.

    Raises:
        ValueError: outside a graph, for images with fractions.

    Call arguments:
        y_true: integer levels `(batch, height, width, channels)`: the images themselves.
        y_pred: logits `(batch, height, width, channels, levels)`; or the negative log-likelihood of each image in nats,
            `(batch,)`, which the models pass to their loss during training.

    Example:

    >>> images, fair_coin = np.zeros((3, 28, 28, 1), "uint8"), np.zeros((3, 28, 28, 1, 2), "float32")
    >>> round(float(NegativeLogLikelihood()(images, fair_coin)), 2)  # 784 ln 2
    543.43
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "negative_log_likelihood",
        dtype: DType = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return _nats(y_true, y_pred)

    def get_config(self) -> Config:
        return {"reduction": self.reduction, "name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class BitsPerDim(keras.metrics.Mean):
    """Keras metric: mean negative log-likelihood in bits per sub-pixel.

    Args:
        name: name of the metric.
        dtype: dtype of its sums; Keras's float type by default.

    Raises:
        ValueError: outside a graph, for images with fractions.

    Call arguments:
        y_true: integer levels `(batch, height, width, channels)`.
        y_pred: logits `(batch, height, width, channels, levels)`; or nats, see `NegativeLogLikelihood`.
        sample_weight: weight of each image in the mean, `(batch,)`; None for equal weights.

    Example:

    >>> metric = BitsPerDim()
    >>> metric.update_state(np.zeros((3, 28, 28, 1), "uint8"), np.zeros((3, 28, 28, 1, 2), "float32"))
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, name: str = "bits_per_dim", dtype: DType = None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "down"  # Lower is better, for callbacks that keep the best.

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        image_shape = tuple(y_true.shape if len(y_pred.shape) == 1 else y_pred.shape)[1:4]
        super().update_state(bits_per_dim(_nats(y_true, y_pred), image_shape), sample_weight)

    def get_config(self) -> Config:
        return {"name": self.name, "dtype": self.dtype}
