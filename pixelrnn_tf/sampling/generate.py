"""Generating and completing images at the cost of about one pass of the network."""

import numpy as np
from keras import ops

from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.layers.scan import scan, scan_from
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.sampling.inverse_cdf import draw_level
from pixelrnn_tf.sampling.packing import Packing
from pixelrnn_tf.typing import DType, Tensor, TensorLike


def generate(
    model: PixelRNN,
    noise: TensorLike,
    images: TensorLike | None = None,
    known: TensorLike | None = None,
    temperature: TensorLike = 1.0,
    condition: TensorLike | None = None,
    return_log_prob: bool = False,
    dtype: DType = "float32",
) -> Tensor:
    """Draw images sub-pixel by sub-pixel, in raster order (paper section 2.1).

    Every sub-pixel is drawn by inverting its cumulative distribution at its noise value, so that the images
    are a function of the noise. Pixels marked as known are kept, and what follows them in raster order is
    drawn given them. What comes before a known pixel is drawn without looking at it: the model's
    distribution of a pixel is given the earlier ones alone, so pixels drawn before a known one agree with it
    only by chance. Completing the lower half of an image is exact; completing the upper half is not.

    The loops over rows and columns are in the graph, and every layer computes every position once (as many
    times as there are colours), so the time grows with the number of pixels. First rows that are known in
    every image are taken in one parallel pass.

    Args:
        model: the network.
        noise: uniform in [0, 1), `(batch, height, width, channels)`.
        images: integer levels of an image's shape; read at known pixels. Needed with `known`.
        known: bool `(batch, height, width)`, True where a pixel is to be kept. Needed with `images`.
        temperature: what the logits are divided by: a positive number, or one per image, `(batch,)`.
        condition: conditioning map `(batch, height, width, condition_features)`, exactly if the model was
            made for one.
        return_log_prob: return `(images, log_prob)`: the log-probability of each whole image in nats,
            `(batch,)`, known pixels included, and always at temperature 1.
        dtype: what the network is computed in, "float32" or "float64", under every dtype policy of the model.

    Returns:
        int32 levels `(batch, height, width, channels)`.

    Raises:
        ValueError: for shapes that do not fit the model, one of `images` and `known` without the other, or a
            condition where the model takes none or the other way round. A temperature that is not positive
            is told from numbers and arrays alone, not from tensors.
    """
    check_temperature(temperature)
    noise = ops.cast(noise, dtype)
    model.check_inputs(noise, condition, name="noise")
    _check_batches(noise=noise, images=images, known=known, condition=condition)
    if (images is None) != (known is None):
        raise ValueError("Pass `images` and `known` together: the images, and which of their pixels to keep.")
    network = IncrementalNetwork(model, dtype)
    given = {"noise": noise}
    if condition is not None:
        given["condition"] = condition = ops.cast(condition, dtype)
    draw_row = _RowDrawer(network, ops.cast(temperature, dtype), return_log_prob)
    if known is None:
        _, drawn = scan(draw_row, network.initial_cache(ops.shape(noise)[0]), _swapped(given))
    else:
        images, known = _checked_known(model, images, known)
        given |= {"images": images, "known": known}
        first = _rows_known_everywhere(known)
        logits, caches = network.prefill(network.scale(images), condition, first)
        kept = {"levels": images} | ({"nats": log_prob_of_levels(images, logits)} if return_log_prob else {})
        _, drawn = scan_from(first, draw_row, caches, _swapped(given), _swapped(kept))
    drawn = _swapped(drawn)
    return (drawn["levels"], ops.sum(drawn["nats"], axis=(1, 2, 3))) if return_log_prob else drawn["levels"]


class _RowDrawer:
    """The body of the loop over rows: `(caches, given) -> (caches, drawn)`.

    `given` holds the noise of the row, `(batch, width, channels)`, and what was given of its condition, images and
    known pixels; `drawn` its levels and, if asked for, their log-probabilities `nats`.
    """

    def __init__(self, network: IncrementalNetwork, temperature: Tensor, return_log_prob: bool):
        self.network, self.temperature, self.return_log_prob = network, temperature, return_log_prob

    def __call__(self, caches: list[Tensors], given: Tensors) -> tuple[list[Tensors], Tensors]:
        given = dict(given)
        condition = given.pop("condition", None)
        context = self.network.row_context(caches, condition)
        state = self.network.initial_state(ops.shape(given["noise"])[0])
        context_packing, state_packing = Packing(context), Packing(state)
        record_packing = Packing([])  # The right one is known once the body of the loop has been traced.

        def draw_column(packed: Tensor, column: Tensors) -> tuple[Tensor, Tensors]:
            nonlocal record_packing
            column = dict(column)
            context, state = context_packing.unpack(column.pop("context")), state_packing.unpack(packed)
            drawn, state, records = self._draw_pixel(context, state, **column)
            record_packing = Packing(records)
            return state_packing.pack(state), {"records": record_packing.pack(records), **drawn}

        columns = _swapped({"context": context_packing.pack(context), **given})
        _, drawn = scan(draw_column, state_packing.pack(state), columns)
        drawn = _swapped(drawn)
        records = record_packing.unpack(drawn.pop("records"))
        return self.network.next_cache(caches, records, condition), drawn

    def _draw_pixel(
        self,
        context: list[Tensors],
        state: list[Tensors],
        noise: Tensor,
        images: Tensor | None = None,
        known: Tensor | None = None,
    ) -> tuple[Tensors, list[Tensors], list[Tensors]]:
        """Draw one colour after the other, each given those before it; returns `(drawn, state, records)`."""
        network, channels = self.network, noise.shape[-1]
        levels: list[Tensor] = []
        nats: list[Tensor] = []
        for k in range(channels):
            unknown = [ops.zeros_like(noise[:, 0], dtype="int32")] * (channels - k)
            scaled = network.scale(ops.stack([*levels, *unknown], axis=-1))
            logits, next_state, records = network.decode(scaled, context, state)
            level = draw_level(logits[:, k], noise[:, k], self.temperature)
            if known is not None and images is not None:
                level = ops.where(known, images[:, k], level)
            levels.append(level)
            if self.return_log_prob:
                nats.append(log_prob_of_levels(level, logits[:, k]))
        drawn = {"levels": ops.stack(levels, axis=-1)} | ({"nats": ops.stack(nats, axis=-1)} if nats else {})
        scaled = network.scale(drawn["levels"])
        return drawn, *network.with_last_colour(scaled, context, state, next_state, records)


def _checked_known(model: PixelRNN, images: TensorLike, known: TensorLike) -> tuple[Tensor, Tensor]:
    """Images, zero where they are not known, and the mask, after their shapes were checked."""
    images, known = ops.cast(images, "int32"), ops.cast(known, "bool")
    model.check_shape("images", images, model.image_shape)
    model.check_shape("known", known, model.image_shape[:2])
    return ops.where(known[..., None], images, 0), known


def check_temperature(temperature: TensorLike) -> None:
    """Check that a temperature given as a number or an array is positive.

    Raises:
        ValueError: if not.
    """
    if isinstance(temperature, int | float | np.number | np.ndarray) and not np.all(np.asarray(temperature) > 0):
        raise ValueError(f"temperature must be greater than 0, got {temperature}.")


def _check_batches(**values: TensorLike | None) -> None:
    """Check that all that is given has the same number of images, as far as that is known in advance."""
    sizes = {name: value.shape[0] for name, value in values.items() if value is not None}
    if len({size for size in sizes.values() if size is not None}) > 1:
        given = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ValueError(f"All inputs must have the same batch size; got {given}.")


def _rows_known_everywhere(known: Tensor) -> Tensor:
    """How many rows, from the first, are known in every image."""
    whole = ops.cast(ops.all(known, axis=(0, 2)), "int32")
    return ops.sum(ops.cumprod(whole))


def _swapped(values: Tensors) -> Tensors:
    """Every tensor with its first two axes exchanged: a loop runs over the first, maps have the batch there."""
    return {name: ops.swapaxes(value, 0, 1) for name, value in values.items()}
