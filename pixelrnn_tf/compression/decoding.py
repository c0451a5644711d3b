"""From payloads to images: the loop over pixels that generates images, with the decoder in the place of the noise."""

import numpy as np
from keras import ops

from pixelrnn_tf.compression.backend import compiled, on_host
from pixelrnn_tf.compression.encoding import filled
from pixelrnn_tf.compression.integer_weights import steps_below_highest
from pixelrnn_tf.compression.stack_coder import StackDecoder
from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.sampling.row_of_pixels import RowOfPixels, conditions_of_rows, swapped
from pixelrnn_tf.typing import Tensor


class _CompiledPixels(IncrementalNetwork):
    """A network whose pixels are decoded by XLA; the loops around them, which call the coder, cannot be.

    It also keeps TensorFlow from rewriting sums of many terms, such as the skips of seven blocks, into temporary
    variables, of which it then makes one twice in these loops.
    """

    def __init__(self, model: PixelRNN):
        super().__init__(model, "float64")
        self._compiled = compiled(super().decode, jit_compile=True)

    def decode(
        self, scaled: Tensor, context: list[Tensors], state: list[Tensors]
    ) -> tuple[Tensor, list[Tensors], list[Tensors]]:
        result: tuple[Tensor, list[Tensors], list[Tensors]] = self._compiled(scaled, context, state)
        return result


class BatchDecoder:
    """Decodes batches of images, given the probabilities of a network in float64.

    All images of a batch go through the loop side by side, and every sub-pixel calls the coder once for all of them.

    Args:
        model: the network, with the weights it has now.
    """

    def __init__(self, model: PixelRNN):
        self.network = _CompiledPixels(model)
        self._coder: StackDecoder | None = None
        self._images = 0
        self._run = compiled(self._decoded)

    def decode(
        self, coder: StackDecoder, offset: int, images: int, condition: np.ndarray | None, size: int
    ) -> np.ndarray:
        """Decode the next batch.

        Args:
            coder: gives the levels.
            offset: of the grid.
            images: how many.
            condition: what the conditioner of the model takes, `(images, ...)`, or None.
            size: images that go through the loop, at least as many; a graph is made for every size.

        Returns:
            uint8 `(images, height, width, channels)`.
        """
        self._coder, self._images = coder, images
        given = None if condition is None else filled(condition, size)
        levels = np.array(self._run(np.zeros(size, "int32"), given, np.float64(offset)))
        self._coder = None
        return levels[:images].astype("uint8")

    def _decoded(self, batch: Tensor, condition: Tensor | None, offset: Tensor) -> Tensor:
        """int32 `(size, height, width, channels)`; of `batch`, `(size,)`, the size alone matters."""

        def choose(k: int, logits: Tensor, pixel: Tensors) -> Tensors:
            return {"levels": on_host(self._next_levels, steps_below_highest(logits, offset))}

        size, model = batch.shape[0], self.network.model
        of_rows, of_every_row = conditions_of_rows(model.condition_map(condition, "float64"))
        decode_row = RowOfPixels(self.network, choose, size, of_every_row)
        caches = self.network.initial_cache(size)
        _, chosen = scan(decode_row, caches, swapped(of_rows), length=model.image_shape[0])
        return ops.swapaxes(chosen["levels"], 0, 1)

    def _next_levels(self, steps: np.ndarray) -> np.ndarray:
        """The next level of every image, and zeros of those that only fill up the batch."""
        levels = np.zeros(len(steps), "int32")
        if self._coder is not None:
            levels[: self._images] = self._coder.pop(steps[: self._images])
        return levels
