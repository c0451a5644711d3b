"""Sampling and completing any number of images, batch by batch, with progress."""

import os
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pixelrnn_tf import sampling
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import image_noise, image_seeds, stateless_seed
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.programs import png_files
from pixelrnn_tf.programs.durations import duration
from pixelrnn_tf.programs.picture_grids import square_grid


def draw_images(model: PixelRNN, number: int, seed: int, temperature: float = 1.0, batch_size: int = 64) -> np.ndarray:
    """Draw images; image k is a function of the seed and k alone, the one `PixelDistribution` draws too.

    Returns:
        int32 levels `(number, height, width, channels)`.
    """
    run = tf.function(lambda noise, index: sampling.generate(model, noise, temperature=temperature))
    return _in_batches(run, model, number, seed, batch_size)


def complete_images(
    model: PixelRNN,
    images: np.ndarray,
    known: np.ndarray,
    samples: int,
    seed: int,
    temperature: float = 1.0,
    batch_size: int = 64,
) -> np.ndarray:
    """Complete images; see `pixelrnn_tf.sampling.generate` for what that means.

    Args:
        model: the network.
        images: integer levels `(number, height, width, channels)`.
        known: bool `(height, width)`.
        samples: completions of each image.
        seed: completion k, counted over all images, is a function of its image, the seed and k.
        temperature: what the logits are divided by.
        batch_size: completions per batch.

    Returns:
        int32 levels `(samples, number, height, width, channels)`.
    """
    number = samples * len(images)
    mask = tf.constant(known)

    def run(noise, index):
        given = tf.gather(tf.constant(images), index % len(images))
        where = tf.broadcast_to(mask, tf.concat([tf.shape(index), mask.shape], 0))
        return sampling.generate(model, noise, given, where, temperature)

    completed = _in_batches(tf.function(run), model, number, seed, batch_size)
    return completed.reshape(samples, *images.shape)


def _in_batches(run: Callable, model: PixelRNN, number: int, seed: int, batch_size: int) -> np.ndarray:
    """`run(noise, index)` for images 0 to number - 1, with progress."""
    batch_size = min(batch_size, number)
    images, start = [], time.monotonic()
    for first in range(0, number, batch_size):
        index = tf.range(first, first + batch_size)  # The last batch is filled up: one graph serves all.
        noise = image_noise(image_seeds(stateless_seed(seed), index), model.image_shape)
        images.append(run(noise, index).numpy())
        done, elapsed = min(first + batch_size, number), time.monotonic() - start
        left = elapsed / done * (number - done)
        print(f"drew {done}/{number} images in {duration(elapsed)}, {duration(left)} left", flush=True)
    return np.concatenate(images)[:number]


def draw_picture(model: PixelRNN, out: str | os.PathLike, number: int, seed: int, temperature: float = 1.0) -> None:
    """Draw images from a model into a PNG file, a grid."""
    images = draw_images(model, number, seed, temperature)
    png_files.write(out, square_grid(to_bytes(images, model.levels)))
    print(f"{number} images at temperature {temperature:g}: {out}", flush=True)
