"""Decode payloads to images with the loop that generates images, where the decoder replaces the noise."""

import numpy as np
from keras import ops

from pixelrnn_tf.backend import compiled, on_host
from pixelrnn_tf.compression.coded_scales import CodedScale, coded_scales
from pixelrnn_tf.compression.encoding import filled
from pixelrnn_tf.compression.file_format import level_dtype
from pixelrnn_tf.compression.integer_weights import steps_below_highest
from pixelrnn_tf.compression.stack_coder import StackDecoder
from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.models.scales import with_small
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.sampling.row_of_pixels import RowOfPixels, conditions_of_rows, swapped
from pixelrnn_tf.typing import Tensor


class _CompiledPixels(IncrementalNetwork):
    """A network whose step for one pixel is compiled by XLA; the loops around it call the coder, so they cannot be.

    The compiled step also keeps TensorFlow from rewriting long sums, such as the skips of seven blocks, into temporary
    variables, one of which it would create twice in these loops.
    """

    def __init__(self, model: PixelRNN):
        super().__init__(model, "float64")
        self._compiled = compiled(super().decode, jit_compile=True)

    def decode(
        self, inputs: Tensor, context: list[Tensors], state: list[Tensors]
    ) -> tuple[Tensor, list[Tensors], list[Tensors]]:
        result: tuple[Tensor, list[Tensors], list[Tensors]] = self._compiled(inputs, context, state)
        return result


class BatchDecoder:
    """Decoder of batches of images, from the probabilities of a model in float64.

    All images of a batch go through the loop in parallel, and every sub-pixel calls the coder once for all of them.

    Args:
        model: the model, with its current weights.
    """

    def __init__(self, model: ImageModel):
        self._scales = [_ScaleDecoder(scale) for scale in coded_scales(model)]
        self._dtype = level_dtype(model.levels)

    def decode(
        self, coder: StackDecoder, offset: int, images: int, condition: np.ndarray | None, size: int
    ) -> np.ndarray:
        """Decode the next batch.

        Args:
            coder: source of the levels.
            offset: offset of the grid.
            images: number of images.
            condition: input of the model's conditioner, `(images, ...)`, or None.
            size: size of the batch in the loop, at least `images`; every size needs its own graph.

        Returns:
            `(images, height, width, channels)`, in the dtype of `level_dtype`.
        """
        first, *larger = self._scales
        given = None if condition is None else filled(condition, size)
        levels = first.decode(coder, offset, images, given, first.unknown(size))
        for scale in larger:
            known = np.asarray(with_small(scale.unknown(size), levels))
            levels = scale.decode(coder, offset, images, levels, known)
        return levels[:images].astype(self._dtype)


class _ScaleDecoder:
    """Decoder of the images of one scale."""

    def __init__(self, scale: CodedScale):
        self.network = _CompiledPixels(scale.network)
        self._coder: StackDecoder | None = None
        self._images = 0
        self._run = compiled(self._decoded)

    def unknown(self, size: int) -> np.ndarray:
        """Known levels of unknown images: int32 `(size, height, width, channels)` of -1."""
        return np.full((size, *self.network.model.image_shape), -1, "int32")

    def decode(
        self, coder: StackDecoder, offset: int, images: int, condition: np.ndarray | None, known: np.ndarray
    ) -> np.ndarray:
        """Decode int32 levels in the shape of `known`, which holds the known levels, at the same pixels in all images.

        Images beyond `images` only pad the batch.
        """
        self._coder, self._images = coder, images
        levels = np.array(self._run(known, condition, np.float64(offset)))
        self._coder = None
        return levels

    def _decoded(self, known: Tensor, condition: Tensor | None, offset: Tensor) -> Tensor:
        """`decode` on tensors."""

        def choose(k: int, logits: Tensor, pixel: Tensors) -> Tensors:
            steps = steps_below_highest(logits, offset)
            told = ops.concatenate([pixel["known"][:, k, None], steps], axis=-1)
            return {"levels": on_host(self._next_levels, told)}

        size = known.shape[0]
        of_rows, of_every_row = conditions_of_rows(self.network.model.condition_map(condition, "float64"))
        decode_row = RowOfPixels(self.network, choose, size, of_every_row)
        caches = self.network.initial_cache(size)
        _, chosen = scan(decode_row, caches, swapped({"known": known, **of_rows}))
        return ops.swapaxes(chosen["levels"], 0, 1)

    def _next_levels(self, told: np.ndarray) -> np.ndarray:
        """Return the level of a sub-pixel in every image: the known one, in the first column of `told`, or the next."""
        known, steps = told[:, 0], told[:, 1:]
        if known[0] >= 0:
            return known
        levels = np.zeros(len(steps), "int32")
        if self._coder is not None:
            levels[: self._images] = self._coder.pop(steps[: self._images])
        return levels
