"""Training loop of `trainers.train` on random images, for timing."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf.data import ImageData, Split
from pixelrnn_tf.devices.strategies import uses_xla
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.training.ema import ExponentialMovingAverage
from pixelrnn_tf.training.step_queue import StepQueue
from pixelrnn_tf.training.train_step import TrainStep


def random_images(arguments: dict[str, Any]) -> ImageData:
    """Make 1,024 images of random levels for a network.

    Args:
        arguments: arguments of `PixelRNN`.
    """
    shape, levels = tuple(arguments["image_shape"]), arguments["levels"]
    images = np.random.default_rng(0).integers(0, levels, (1024, *shape)).astype("uint8")
    split = Split("random", len(images), tf.data.Dataset.from_tensor_slices(images))
    return ImageData("random", shape, levels, "none", {"train": split})


def training_queue(
    arguments: dict[str, Any],
    data: ImageData,
    batch_size: int,
    jit_compile: str = "auto",
    optimizer: keras.optimizers.Optimizer | None = None,
    seed: int = 0,
) -> StepQueue:
    """Make the training loop of `trainers.train`, with clipping, checks for finite numbers, and averaging.

    Call it in the scope of the strategy.

    Args:
        arguments: arguments of `PixelRNN`.
        data: training images.
        batch_size: images per step, over all replicas.
        jit_compile: see `TrainConfig`.
        optimizer: an optimizer that is not built yet; Adam by default.
        seed: seed of the order of the images.
    """
    model, config = PixelRNN(**arguments), TrainConfig()
    optimizer = optimizer or keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    step = TrainStep(
        model,
        optimizer,
        ExponentialMovingAverage(model, config.ema_decay),
        global_clipnorm=config.global_clipnorm,
        jit_compile=uses_xla(jit_compile, model.block),
    )
    return StepQueue(step, data, batch_size, seed, 0)


def run_steps(queue: StepQueue, steps: int) -> None:
    """Run a number of steps and wait for their results."""
    for _ in queue.run(queue.finished + steps, lambda: (False, False)):
        pass
