"""Drawing images from a saved model, with progress, into a picture."""

import os
import time

import numpy as np
import tensorflow as tf

from pixelrnn_tf import sampling
from pixelrnn_tf.distributions import image_noise
from pixelrnn_tf.models import PixelRNN
from trainers.models import load_model
from trainers.pictures import image_grid, write_png
from trainers.progress import duration


def image_seeds(seed: int, first: int, number: int) -> np.ndarray:
    """int32 seeds `(number, 2)`: the run's seed, and the number of the image."""
    return np.stack([np.full(number, seed), np.arange(first, first + number)], axis=-1).astype("int32")


def draw(model: PixelRNN, number: int, seed: int, temperature: float = 1.0, batch_size: int = 64) -> np.ndarray:
    """Draw images; image k is a function of the seed and k alone.

    Returns:
        int32 levels `(number, height, width, channels)`.
    """
    batch_size = min(batch_size, number)
    step = tf.function(lambda noise: sampling.generate(model, noise, temperature=temperature))
    images, start = [], time.monotonic()
    for first in range(0, number, batch_size):
        # The last batch is filled up, so that the graph is built once.
        noise = image_noise(image_seeds(seed, first, batch_size), model.image_shape)
        images.append(step(noise).numpy())
        done, elapsed = min(first + batch_size, number), time.monotonic() - start
        left = elapsed / done * (number - done)
        print(f"drew {done}/{number} images in {duration(elapsed)}, {duration(left)} left", flush=True)
    return np.concatenate(images)[:number]


def draw_grid(
    model_path: str | os.PathLike, out: str | os.PathLike, number: int, seed: int, temperature: float = 1.0
) -> None:
    """Draw images from a saved model into a PNG file."""
    model = load_model(model_path)
    write_png(out, image_grid(draw(model, number, seed, temperature), model.levels))
    print(f"{number} images at temperature {temperature:g}: {out}", flush=True)
