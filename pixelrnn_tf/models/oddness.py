"""Scores of whole images that say how little they belong to what a model was trained on: larger is odder.

All are in bits per sub-pixel, of numpy arrays. Likelihood alone is known to fail: a model of clothes gives digits more
of it, because they are simple (Nalisnick et al. 2019). The other scores take out what an image's simplicity is worth.

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
    """The negative log-likelihood.

    Args:
        log_prob: of each image in nats, `(batch,)`.
        image_shape: `(height, width, channels)`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: for log-probabilities of another shape.
    """
    return -_of_images(log_prob) / (math.prod(image_shape) * math.log(2))


def typicality(log_prob: TensorLike, training_log_prob: TensorLike, image_shape: ImageShape) -> np.ndarray:
    """The distance to the mean of training images: those that are too likely are odd too.

    Args:
        log_prob: of each image in nats, `(batch,)`.
        training_log_prob: the same of training images.
        image_shape: `(height, width, channels)`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`, at least 0.

    Raises:
        ValueError: for log-probabilities of another shape, or none of training images.
    """
    if np.size(training_log_prob) == 0:
        raise ValueError("typicality needs the log-probability of at least one training image, got none.")
    usual = negative_log_likelihood_score(training_log_prob, image_shape).mean()
    return np.abs(negative_log_likelihood_score(log_prob, image_shape) - usual)


def input_complexity_score(log_prob: TensorLike, images: np.ndarray) -> np.ndarray:
    """S = -l - L of Serra et al. 2020: bits that the model needs, less those that a lossless coder does.

    Args:
        log_prob: of each image in nats, `(batch,)`.
        images: uint8 `(batch, height, width, channels)`, the levels themselves, as `complexity` takes them.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: if the two are not of as many images, or the images are no bytes.
    """
    _check_as_many(log_prob, images)
    return negative_log_likelihood_score(log_prob, images.shape[1:]) - complexity(images)


def likelihood_ratio(log_prob: TensorLike, background_log_prob: TensorLike, image_shape: ImageShape) -> np.ndarray:
    """How much less likely an image is than under a background network, which knows what all images have in common.

    A background network is one trained on mutated images (Ren et al. 2019), or one that sees a few pixels alone.

    Args:
        log_prob: of each image in nats, `(batch,)`.
        background_log_prob: the same by the background network.
        image_shape: `(height, width, channels)`.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: if the two are not of as many images.
    """
    _check_as_many(log_prob, background_log_prob)
    background = negative_log_likelihood_score(background_log_prob, image_shape)
    return negative_log_likelihood_score(log_prob, image_shape) - background


def _of_images(log_prob: TensorLike) -> np.ndarray:
    array = np.asarray(log_prob, "float64")
    if array.ndim != 1:
        raise ValueError(f"log-probabilities must have the shape (batch,), one for each image; got {array.shape}.")
    return array


def _check_as_many(log_prob: TensorLike, other: TensorLike) -> None:
    numbers = np.shape(log_prob)[:1], np.shape(other)[:1]
    if numbers[0] != numbers[1]:
        raise ValueError(f"Both must be of the same images, in their order; got {numbers[0]} and {numbers[1]}.")


def complexity(images: np.ndarray) -> np.ndarray:
    """How many bits a lossless coder needs: deflate of rows as PNG filters them, without PNG's container.

    Of each image the best of PNG's five filters for all rows, one byte for which is counted.

    Args:
        images: uint8 `(batch, height, width, channels)`. Of levels below 256 pass the levels themselves.

    Returns:
        bits per sub-pixel, float64 `(batch,)`.

    Raises:
        ValueError: if they are no bytes.

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
    """Bytes of the shortest deflate stream over the filters."""
    streams = []
    for rows in _filtered(image):
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        streams.append(len(coder.compress(rows.tobytes())) + len(coder.flush()))
    return min(streams)


def _filtered(image: np.ndarray) -> list[np.ndarray]:
    """The image through PNG's filters: none, sub, up, average and Paeth; differences are modulo 256."""
    x = image.astype("int32")
    padded = np.pad(x, ((1, 0), (1, 0), (0, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    slope = left + above - corner
    distances = np.abs(np.stack([slope - left, slope - above, slope - corner]))
    paeth = np.choose(distances.argmin(axis=0), [left, above, corner])  # Of equals the first, as PNG wants it.
    return [(x - predicted).astype("uint8") for predicted in (0 * x, left, above, (left + above) // 2, paeth)]
