"""Out-of-distribution scores of images: larger means less like the training data.

All are in bits per sub-pixel and computed on numpy arrays. Likelihood is known to fail as a score: a model of
clothes assigns a higher likelihood to digits, because they are simple (Nalisnick et al. 2019). The other scores correct
for the simplicity of an image.

| score | from | reference |
|---|---|---|
| `negative_log_likelihood_score` | the model | |
| `typicality` | the model, and its mean score of training images | Nalisnick et al. 2019, on typicality |
| `input_complexity_score` | the model, and a lossless coder | Serra et al. 2020 |
| `likelihood_ratio` | the model, and a background network | Ren et al. 2019; with a local one, Zhang et al. 2021 |
"""

import math
import zlib

import numpy as np

from pixelrnn_tf.typing import ImageShape, TensorLike


def negative_log_likelihood_score(log_prob: TensorLike, image_shape: ImageShape) -> np.ndarray:
    """Negative log-likelihood.

    Args:
        log_prob: log-probability of each image in nats, `(batch,)`.
        image_shape: `(height, width, channels)`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: for log-probabilities of another shape.
    """
    return -_of_images(log_prob) / (math.prod(image_shape) * math.log(2))


def typicality(log_prob: TensorLike, training_log_prob: TensorLike, image_shape: ImageShape) -> np.ndarray:
    """Distance of the negative log-likelihood to its mean over training images; too likely counts as odd too.

    Args:
        log_prob: log-probability of each image in nats, `(batch,)`.
        training_log_prob: log-probabilities of training images.
        image_shape: `(height, width, channels)`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`, at least 0.

    Raises:
        ValueError: for log-probabilities of another shape, or an empty `training_log_prob`.
    """
    if np.size(training_log_prob) == 0:
        raise ValueError("typicality needs the log-probability of at least one training image, got none.")
    usual = negative_log_likelihood_score(training_log_prob, image_shape).mean()
    return np.abs(negative_log_likelihood_score(log_prob, image_shape) - usual)


def input_complexity_score(log_prob: TensorLike, images: np.ndarray) -> np.ndarray:
    """Input complexity score S = -l - L (Serra et al. 2020): bits of the model minus bits of a lossless coder.

    Args:
        log_prob: log-probability of each image in nats, `(batch,)`.
        images: uint8 levels `(batch, height, width, channels)`, not rescaled, as in `complexity`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: if the numbers of images differ, or the images are not uint8.
    """
    _check_as_many(log_prob, images)
    return negative_log_likelihood_score(log_prob, images.shape[1:]) - complexity(images)


def likelihood_ratio(log_prob: TensorLike, background_log_prob: TensorLike, image_shape: ImageShape) -> np.ndarray:
    """Log-likelihood ratio of a background network and the model; the background captures what all images share.

    A background network is trained on mutated images (Ren et al. 2019), or sees only a few pixels.

    Args:
        log_prob: log-probability of each image in nats, `(batch,)`.
        background_log_prob: log-probabilities under the background network.
        image_shape: `(height, width, channels)`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: if the numbers of images differ.
    """
    _check_as_many(log_prob, background_log_prob)
    background = negative_log_likelihood_score(background_log_prob, image_shape)
    return negative_log_likelihood_score(log_prob, image_shape) - background


def _of_images(log_prob: TensorLike) -> np.ndarray:
    array = np.asarray(log_prob, "float64")
    if array.ndim != 1:
        raise ValueError(f"log-probabilities must have the shape (batch,), one per image; got {array.shape}.")
    return array


def _check_as_many(log_prob: TensorLike, other: TensorLike) -> None:
    numbers = np.shape(log_prob)[:1], np.shape(other)[:1]
    if numbers[0] != numbers[1]:
        raise ValueError(f"Both must be of the same images, in the same order; got {numbers[0]} and {numbers[1]}.")


def complexity(images: np.ndarray) -> np.ndarray:
    """Bits that a lossless coder needs: deflate of rows filtered as in PNG, without PNG's container.

    Each image uses the best of PNG's five filters for all rows; one byte for this choice is counted.

    Args:
        images: uint8 `(batch, height, width, channels)`. With fewer than 256 levels, pass the levels themselves.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: if they are not uint8.

    Example:

    >>> flat = np.zeros((1, 28, 28, 1), "uint8")
    >>> noise = np.random.default_rng(0).integers(0, 256, flat.shape, "uint8")
    >>> bool(complexity(flat)[0] < 0.2), bool(complexity(noise)[0] > 7.9)
    (True, True)
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(
            f"images must be uint8 (batch, height, width, channels), got {images.dtype} of the shape {images.shape}."
        )
    return np.array([8 * (1 + _deflated(image)) / image.size for image in images], "float64")


def _deflated(image: np.ndarray) -> int:
    """Bytes of the shortest deflate stream over all filters."""
    streams = []
    for rows in _filtered(image):
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        streams.append(len(coder.compress(rows.tobytes())) + len(coder.flush()))
    return min(streams)


def _filtered(image: np.ndarray) -> list[np.ndarray]:
    """Apply PNG's filters to an image: none, sub, up, average and Paeth, with differences modulo 256."""
    x = image.astype("int32")
    padded = np.pad(x, ((1, 0), (1, 0), (0, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    slope = left + above - corner
    distances = np.abs(np.stack([slope - left, slope - above, slope - corner]))
    paeth = np.choose(distances.argmin(axis=0), [left, above, corner])  # On a tie the first, as in PNG.
    return [(x - predicted).astype("uint8") for predicted in (0 * x, left, above, (left + above) // 2, paeth)]
