"""Encode images to payloads: one parallel pass in float64 computes the probabilities of all sub-pixels of a batch."""

import math
from multiprocessing.pool import ThreadPool
from typing import NamedTuple

import numpy as np
from keras import ops

from pixelrnn_tf.backend import compiled, cores, double_precision
from pixelrnn_tf.compression.coded_scales import CodedScale, coded_scales
from pixelrnn_tf.compression.integer_weights import (
    GRID_BITS,
    OFFSETS,
    grid_positions,
    steps_below_highest,
    weight_table,
)
from pixelrnn_tf.compression.stack_coder import StackEncoder
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.scales import every_kth
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.typing import Tensor

# Distance that a float64 logit must keep from a boundary of the grid: an absolute part, and a part relative to the
# largest logit of its sub-pixel. Ways of computing the logits differ by less than a twentieth of it, see
# docs/compression.md. Much larger values would leave no valid grid for batches of color images with millions of logits.
GUARD, RELATIVE_GUARD = 2e-12, 2e-13
# Approximate limit of the numbers in the largest map of one parallel pass.
_NUMBERS_PER_PASS = 2**24


class BatchEncoder:
    """Encoder of batches of images, from the probabilities of a model in float64.

    Args:
        model: the model, with its current weights.
        jit_compile: compile the passes with XLA.
    """

    def __init__(self, model: ImageModel, jit_compile: bool = False):
        self._scales = [_ScaleEncoder(scale, jit_compile) for scale in coded_scales(model)]

    def encode(self, coder: StackEncoder, images: np.ndarray, condition: np.ndarray | None) -> tuple[int, np.ndarray]:
        """Encode a batch for decoding scale by scale, in raster order, and image by image at every sub-pixel.

        Args:
            coder: receives the levels.
            images: `(batch, height, width, channels)`, in the dtype of `level_dtype`.
            condition: input of the model's conditioner, `(batch, ...)`, or None.

        Returns:
            `(offset, nats)`: the offset of the grid, and the negative log-likelihood of each image, float64.

        Raises:
            FloatingPointError: if no grid makes the logits certain, since they are too large or not finite.
        """
        scaled, passes, given = [], [], condition
        for scale in self._scales:
            scaled.append(every_kth(images, scale.stride))
            passes.append(scale.run(scaled[-1], given))
            given = scaled[-1].astype("int32")
        allowed = np.flatnonzero(~np.any([each.forbidden for each in passes], axis=0))
        if not allowed.size:
            raise FloatingPointError(
                "The images cannot be compressed: the logits of the model are not finite, or too large for float64 to "
                "separate them on the grid of the codec."
            )
        offset = int(allowed[0])
        for scale, own, each in reversed(list(zip(self._scales, scaled, passes, strict=True))):
            scale.push(coder, own, each.logits, offset)
        return offset, np.sum([each.nats for each in passes], axis=0)


class _Pass(NamedTuple):
    """Probabilities of a batch at one scale.

    Attributes:
        logits: float64 `(images, height, width, channels, levels)` of parts of the batch; the last may be filled up.
        forbidden: offsets of the grid that bring a logit near a boundary, bool `(OFFSETS,)`.
        nats: negative log-likelihood of each image, float64 `(batch,)`.
    """

    logits: list[Tensor]
    forbidden: np.ndarray
    nats: np.ndarray


class _ScaleEncoder:
    """Encoder of the images of one scale, except for the pixels of the previous scale."""

    def __init__(self, scale: CodedScale, jit_compile: bool):
        model = scale.network
        self.stride, self._coded = scale.stride, scale.coded
        self.network = IncrementalNetwork(model, "float64")
        self._run = compiled(self._logits, jit_compile)
        self._steps = compiled(lambda logits, offset: ops.cast(steps_below_highest(logits, offset), "uint16"))
        per_image = math.prod(model.image_shape[:2]) * max(
            model.image_shape[2] * model.levels, 32 * model.hidden, 2 * model.head_hidden
        )
        self._pass_size = max(1, _NUMBERS_PER_PASS // per_image)

    def run(self, images: np.ndarray, condition: np.ndarray | None) -> _Pass:
        """Compute the logits and likelihoods of images, and the offsets of the grid that are forbidden for them."""
        size = min(self._pass_size, len(images))
        passes = [slice(first, first + size) for first in range(0, len(images), size)]

        def run(part: slice) -> tuple[Tensor, np.ndarray, np.ndarray]:
            given = None if condition is None else filled(condition[part], size)
            with double_precision():
                logits, forbidden, nats = self._run(filled(images[part], size), given)
                return logits, ops.convert_to_numpy(forbidden), ops.convert_to_numpy(nats)

        # XLA runs a pass on one core.
        with ThreadPool(min(len(passes), cores())) as pool:
            logits, forbidden, nats = zip(*pool.map(run, passes), strict=True)
        return _Pass(list(logits), np.any(forbidden, axis=0), np.concatenate(nats)[: len(images)])

    def push(self, coder: StackEncoder, images: np.ndarray, logits: list[Tensor], offset: int) -> None:
        """Encode the images from the last sub-pixel to the first."""
        of_parts = [ops.convert_to_numpy(self._steps(part, np.float64(offset))) for part in logits]
        steps = np.concatenate(of_parts)[: len(images)]
        for row in reversed(range(images.shape[1])):
            # One row at a time, since the table of weights takes four times the memory of the steps.
            columns = np.flatnonzero(self._coded[row])
            of_row = steps[:, row, columns].transpose(1, 2, 0, 3)
            levels = images[:, row, columns].transpose(1, 2, 0)
            coder.push(levels.ravel(), of_row.reshape(-1, of_row.shape[-1]))

    def _logits(self, images: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Run one parallel pass: logits, forbidden offsets of the grid, and nats per image."""
        condition_map = self.network.model.condition_map(condition, "float64")
        parameters, _ = self.network.prefill(self.network.stem_inputs(images), condition_map, 0)
        output = self.network.model.output_distribution
        logits = output.logits(parameters)
        coded = ops.convert_to_tensor(self._coded[None, :, :, None])
        nats = -ops.where(coded, output.log_prob(parameters, ops.cast(images, "int32")), 0.0)
        forbidden = forbidden_offsets(logits, output.sensitivity(parameters), coded[..., None])
        return logits, forbidden, ops.sum(nats, axis=(1, 2, 3))


def forbidden_offsets(logits: Tensor, sensitivity: Tensor | float = 1.0, coded: Tensor | bool = True) -> Tensor:
    """Return for each offset of the grid if small errors could change a grid step at it: bool `(OFFSETS,)`.

    A logit that is so far below the highest that its weight is 0 forbids none.

    Args:
        logits: float64 `(..., levels)`.
        sensitivity: sensitivity of the logits to the network's outputs, `(..., levels)` or one number for all.
        coded: False for logits to ignore, broadcast to all.
    """
    positions = grid_positions(logits, 0.0)
    # At this offset a logit is nearest to a boundary. At the next ones it is at least half an offset away.
    worst = (0.5 - (positions - ops.floor(positions))) * float(OFFSETS)
    nearest = ops.round(worst)
    guards = guard(logits, sensitivity) * float(2**GRID_BITS * OFFSETS)
    # Offsets change the distance of two cells by one at most.
    weightless = ops.max(positions, axis=-1, keepdims=True) - positions > float(len(weight_table()) + 2)
    none, all_of_them = float(OFFSETS), float(OFFSETS + 1)
    forbidden = ops.where(ops.abs(worst - nearest) > guards, none, ops.mod(nearest, float(OFFSETS)))
    forbidden = ops.where(ops.isfinite(logits) & (guards < 0.5), forbidden, all_of_them)
    # TensorFlow would turn a negated comparison around, which is wrong for NaN.
    forbidden = ops.where(weightless, none, ops.where(coded, forbidden, none))
    forbidden = ops.reshape(forbidden, (-1,))
    counts = ops.segment_sum(ops.ones_like(forbidden, "int32"), ops.cast(forbidden, "int32"), OFFSETS + 2)
    return (counts[:OFFSETS] > 0) | (counts[OFFSETS + 1] > 0)


def guard(logits: Tensor, sensitivity: Tensor | float = 1.0) -> Tensor:
    """Required distance of each logit from a boundary, `(..., 1)`, or `(..., levels)` like `sensitivity`."""
    return GUARD * sensitivity + RELATIVE_GUARD * ops.max(ops.abs(logits), axis=-1, keepdims=True)


def filled(values: np.ndarray, size: int) -> np.ndarray:
    """Repeat the last of the values `(number, ...)` up to `size` values, so that one graph serves all sizes."""
    return np.concatenate([values, np.repeat(values[-1:], size - len(values), axis=0)])
