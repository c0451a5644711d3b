"""From images to payloads: one parallel pass in float64 gives the probabilities of all sub-pixels of a batch."""

import math
from multiprocessing.pool import ThreadPool

import numpy as np
from keras import ops

from pixelrnn_tf.compression.backend import compiled, cores, double_precision
from pixelrnn_tf.compression.integer_weights import GRID_BITS, OFFSETS, grid_positions, steps_below_highest
from pixelrnn_tf.compression.stack_coder import StackEncoder
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.typing import Tensor

# How far a float64 logit must lie from a boundary of the grid, as a multiple of the largest logit of its sub-pixel, or
# of 1 if that is smaller. Ways of computing the logits differ by less than a hundredth of it; docs/compression.md.
GUARD = 1e-11
# Numbers that one parallel pass may hold in the largest map it makes, about.
_NUMBERS_PER_PASS = 2**24


class BatchEncoder:
    """Encodes batches of images, given the probabilities of a network in float64.

    Args:
        model: the network, with the weights it has now.
        jit_compile: whether XLA compiles the pass.
    """

    def __init__(self, model: PixelRNN, jit_compile: bool = False):
        self.network = IncrementalNetwork(model, "float64")
        self._run = compiled(self._steps, jit_compile)
        per_image = math.prod(model.image_shape[:2]) * max(
            model.image_shape[2] * model.levels, 32 * model.hidden, 2 * model.head_hidden
        )
        self._pass_size = max(1, _NUMBERS_PER_PASS // per_image)

    def encode(self, coder: StackEncoder, images: np.ndarray, condition: np.ndarray | None) -> tuple[int, np.ndarray]:
        """Encode a batch, to be decoded sub-pixel by sub-pixel in raster order, and of every sub-pixel image by image.

        Args:
            coder: takes the levels.
            images: uint8 `(batch, height, width, channels)`.
            condition: what the conditioner of the model takes, `(batch, ...)`, or None.

        Returns:
            `(offset, nats)`: the offset of the grid, and the negative log-likelihood of each image, float64.

        Raises:
            FloatingPointError: if there is no grid on which the logits are certain, since they are too large or not
                finite.
        """
        offset, steps, nats = self._certain_steps(images, condition)
        for row in reversed(range(images.shape[1])):
            # A row at a time, since the table of weights takes four times the memory of the steps.
            of_row = steps[:, row].swapaxes(0, 1).swapaxes(1, 2)
            levels = images[:, row].transpose(1, 2, 0)
            coder.push(levels.ravel(), of_row.reshape(-1, of_row.shape[-1]))
        return offset, nats

    def _certain_steps(self, images: np.ndarray, condition: np.ndarray | None) -> tuple[int, np.ndarray, np.ndarray]:
        """The first offset at which no logit is near a boundary, the steps there as uint16, and the nats."""
        size = min(self._pass_size, len(images))
        passes = [slice(first, first + size) for first in range(0, len(images), size)]

        def run(part: slice) -> list[np.ndarray]:
            given = None if condition is None else filled(condition[part], size)
            with double_precision():
                results = self._run(filled(images[part], size), given, np.float64(offset))
                return [ops.convert_to_numpy(result) for result in results]

        for offset in range(OFFSETS):
            # XLA computes a pass on one core.
            with ThreadPool(min(len(passes), cores())) as pool:
                are_certain, steps, nats = zip(*pool.map(run, passes), strict=True)
            if all(are_certain):
                return offset, np.concatenate(steps)[: len(images)], np.concatenate(nats)[: len(images)]
        raise FloatingPointError(
            "The images cannot be compressed: the logits of the model are not finite, or so large that float64 does "
            "not tell them apart on the grid of the codec."
        )

    def _steps(self, images: Tensor, condition: Tensor | None, offset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One parallel pass: whether all logits are certain, their grid steps in uint16, and nats per image."""
        condition_map = self.network.model.condition_map(condition, "float64")
        logits, _ = self.network.prefill(self.network.scale(images), condition_map, 0)
        nats = -ops.sum(log_prob_of_levels(ops.cast(images, "int32"), logits), axis=(1, 2, 3))
        steps = ops.cast(steps_below_highest(logits, offset), "uint16")
        return ops.all(are_certain(logits, offset)), steps, nats


def are_certain(logits: Tensor, offset: Tensor) -> Tensor:
    """Whether logits that differ a little would be in the same cells of the grid: bool, of the shape of the logits."""
    positions = grid_positions(logits, offset)
    size = ops.maximum(ops.max(ops.abs(logits), axis=-1, keepdims=True), 1.0)
    to_boundary = 0.5 - ops.abs(positions - ops.round(positions))
    return to_boundary > size * (GUARD * 2**GRID_BITS)


def filled(values: np.ndarray, size: int) -> np.ndarray:
    """Values `(number, ...)` and so many times the last of them that there are `size`: one graph serves all."""
    return np.concatenate([values, np.repeat(values[-1:], size - len(values), axis=0)])
