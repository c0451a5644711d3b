"""Draw, complete and restore many images in batches, with progress."""

import os
import shlex
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from pixelrnn_tf import sampling
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.evaluation.compatibility import takes_vector
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.classification import class_name, find_class
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.pictures.captions import with_words
from pixelrnn_tf.pictures.grids import square_grid
from pixelrnn_tf.progress import Progress


def draw_images(
    model: ImageModel,
    number: int,
    seed: int,
    temperature: float = 1.0,
    batch_size: int = 64,
    condition: np.ndarray | None = None,
) -> np.ndarray:
    """Draw images; image k depends only on the seed, k and its condition, and equals that of `PixelDistribution`.

    Args:
        model: the network.
        number: number of images.
        seed: seed of all images.
        temperature: divisor of the logits.
        batch_size: images per batch.
        condition: `(number, ...)`, for a conditional model; by default all classes in turn, or vectors from the
            smallest to the largest numbers.

    Returns:
        int32 levels `(number, height, width, channels)`.

    Raises:
        ValueError: if the model takes a condition other than a class or a vector, and none is given.
    """
    if condition is None:
        condition = conditions_in_turn(model, number)

    def run(noise, index):
        given = None if condition is None else tf.gather(tf.constant(condition), tf.minimum(index, number - 1))
        return sampling.generate(model, noise, temperature=temperature, condition=given)

    return _in_batches(run, model, number, seed, batch_size)


def conditions_in_turn(model: ImageModel, number: int) -> np.ndarray | None:
    """Conditions of `number` images that show what they do; None for an unconditional model.

    Returns:
        labels 0, 1, ..., and again from 0, int32 `(number,)`; or vectors at even distances from the smallest to the
        largest numbers, float32 `(number, numbers)`.

    Raises:
        ValueError: if the model takes a condition other than a class or a vector.
    """
    takes = model.condition_format
    if takes is None:
        return None
    if model.num_classes is not None:
        return np.arange(number, dtype="int32") % model.num_classes
    if takes_vector(model):
        low, high = (np.broadcast_to(bound, takes.shape) for bound in takes.bounds)
        return np.linspace(low, high, number, dtype="float32")
    raise ValueError(f"The model requires a condition of shape {takes.shape}: pass it.")


def one_condition(
    model: ImageModel, label: int | str | None = None, vector: Sequence[float] | None = None
) -> np.ndarray | None:
    """Condition of one image from a class or numbers, as given by flags; None if both are None.

    Raises:
        ValueError: for a condition that the model does not take.
    """
    if label is not None and vector is not None:
        raise ValueError("Pass only one of --label and --vector.")
    if label is not None:
        return np.array(find_class(model, label), "int32")
    if vector is None:
        return None
    takes = model.condition_format
    if takes is None or not takes_vector(model) or takes.shape != (len(vector),):
        expected = "no vector" if takes is None or not takes_vector(model) else f"{takes.shape[0]} numbers"
        raise ValueError(f"The model takes {expected}, got --vector={','.join(f'{x:g}' for x in vector)}.")
    try:
        takes.convert(np.array(vector, "float32"))
    except ValueError as error:
        raise ValueError(f"--vector: {error}") from error
    return np.array(vector, "float32")


def complete_images(
    model: ImageModel,
    images: np.ndarray,
    known: np.ndarray,
    samples: int,
    seed: int,
    temperature: float = 1.0,
    batch_size: int = 64,
    condition: np.ndarray | None = None,
) -> np.ndarray:
    """Complete images; see `pixelrnn_tf.sampling.generate` for details.

    Args:
        model: the network.
        images: integer levels `(number, height, width, channels)`.
        known: bool `(height, width)`.
        samples: number of completions of each image.
        seed: seed; completion k, counted over all images, depends only on its image, the seed and k.
        temperature: divisor of the logits.
        batch_size: completions per batch.
        condition: condition of each image, `(number, ...)`, for a conditional model.

    Returns:
        int32 levels `(samples, number, height, width, channels)`.
    """
    number = samples * len(images)
    mask = tf.constant(known)

    def run(noise, index):
        given = tf.gather(tf.constant(images), index % len(images))
        where = tf.broadcast_to(mask, tf.concat([tf.shape(index), mask.shape], 0))
        its = None if condition is None else tf.gather(tf.constant(condition), index % len(images))
        return sampling.generate(model, noise, given, where, temperature, its)

    completed = _in_batches(run, model, number, seed, batch_size)
    return completed.reshape(samples, *images.shape)


def restore_images(
    model: ImageModel,
    images: np.ndarray,
    threshold: float,
    seed: int,
    batch_size: int = 64,
    condition: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw surprising sub-pixels of images again; see `pixelrnn_tf.sampling.restore`.

    Args:
        model: the network.
        images: integer levels `(number, height, width, channels)`.
        threshold: bits per sub-pixel.
        seed: seed; restoration k depends only on image k, the seed and k.
        batch_size: images per batch.
        condition: condition of each image, `(number, ...)`, for a conditional model.

    Returns:
        `(restored, redrawn)`: int32 levels and bool, `(number, height, width, channels)`.
    """

    def run(noise, index):
        index = tf.minimum(index, len(images) - 1)
        its = None if condition is None else tf.gather(tf.constant(condition), index)
        restored, redrawn = sampling.restore(model, noise, tf.gather(tf.constant(images), index), threshold, 1.0, its)
        return tf.stack([restored, tf.cast(redrawn, restored.dtype)], axis=1)

    both = _in_batches(run, model, len(images), seed, batch_size, "restored")
    return both[:, 0], both[:, 1].astype(bool)


def _in_batches(
    run: Callable, model: ImageModel, number: int, seed: int, batch_size: int, did: str = "drew"
) -> np.ndarray:
    """Call `run(noise, index)` for images 0 to number - 1, with progress."""
    batch_size = min(batch_size, number)
    images = []
    with Progress(did, number) as progress:
        for first in range(0, number, batch_size):
            index = tf.range(first, first + batch_size)  # The last batch is padded, to reuse the graph.
            noise = sampling.image_noise(sampling.image_seeds(sampling.stateless_seed(seed), index), model.image_shape)
            images.append(run(noise, index).numpy())
            progress.update(min(first + batch_size, number))
    return np.concatenate(images)[:number]


def sample_grid(
    model: ImageModel,
    number: int,
    seed: int,
    temperature: float = 1.0,
    label: int | str | None = None,
    vector: Sequence[float] | None = None,
) -> np.ndarray:
    """Draw images as one picture, a grid.

    Images of a class-conditional model are of one class, or of all classes in turn. In the latter case, if the number
    is a multiple of the number of classes, each class is a row with its name.

    Args:
        model: the network.
        number: number of images.
        seed: seed of all of them.
        temperature: divisor of the logits.
        label: class of all images, by name or number; None for every class in turn.
        vector: numbers of all images; None for numbers from the smallest to the largest.

    Returns:
        uint8 `(height, width, 1 or 3)`.

    Raises:
        ValueError: for an invalid label or vector.
    """
    given = one_condition(model, label, vector)
    condition = None if given is None else np.broadcast_to(given, (number, *given.shape))
    images = draw_images(model, number, seed, temperature, condition=condition)
    columns, classes, names = None, model.num_classes or 1, []
    if label is None and classes > 1 and number % classes == 0:
        columns = number // classes
        images = images.reshape(columns, classes, *model.image_shape).swapaxes(0, 1).reshape(images.shape)
        names = [class_name(model, k) for k in range(classes)]
    return with_words(square_grid(to_bytes(images, model.levels), columns), rows=names)


def draw_picture(
    model: ImageModel,
    out: str | os.PathLike,
    number: int,
    seed: int,
    temperature: float = 1.0,
    label: int | str | None = None,
    vector: Sequence[float] | None = None,
) -> None:
    """Write a `sample_grid` to a PNG file."""
    png_files.write(out, sample_grid(model, number, seed, temperature, label, vector))
    given = "" if label is None else f" of class {label}"
    given += "" if vector is None else f" given {', '.join(f'{x:g}' for x in vector)}"
    print(f"{number} images{given} at temperature {temperature:g}: {shlex.quote(str(out))}", flush=True)
