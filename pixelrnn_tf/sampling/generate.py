"""Generating and completing images at the cost of about one pass of the network."""

from typing import Any

import numpy as np
from keras import ops

from pixelrnn_tf.layers.scan import scan, scan_from
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling.inverse_cdf import draw_level
from pixelrnn_tf.sampling.steps import NetworkSteps, Packing


def generate(
    model: PixelRNN,
    noise: Any,
    images: Any = None,
    known: Any = None,
    temperature: Any = 1.0,
    condition: Any = None,
    return_log_prob: bool = False,
) -> Any:
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

    Returns:
        int32 levels `(batch, height, width, channels)`.

    Raises:
        ValueError: for shapes that do not fit the model, one of `images` and `known` without the other, or a
            condition where the model takes none or the other way round. A temperature that is not positive
            is told from numbers and arrays alone, not from tensors.
    """
    check_temperature(temperature)
    noise = ops.cast(noise, "float32")
    model.check_inputs(noise, condition, name="noise")
    _check_batches(noise=noise, images=images, known=known, condition=condition)
    if (images is None) != (known is None):
        raise ValueError("Pass `images` and `known` together: the images, and which of their pixels to keep.")
    condition = () if condition is None else ops.cast(condition, "float32")
    steps = NetworkSteps(model)
    batch = ops.shape(noise)[0]
    row = _RowDrawer(model, steps, ops.cast(temperature, "float32"), return_log_prob)
    if known is None:
        xs = _swapped(noise, condition, (), ())
        _, (drawn, nats) = scan(row, steps.start(batch), xs)
    else:
        images, known = _checked_known(model, images, known)
        xs = _swapped(noise, condition, images, known)
        first = _rows_known_everywhere(known)
        logits, caches = steps.fill(model.scale(images, "float32"), _or_none(condition), first)
        nats = log_prob_of_levels(images, logits) if return_log_prob else ()
        _, (drawn, nats) = scan_from(first, row, caches, xs, _swapped(images, nats))
    (drawn,) = _swapped(drawn)
    return (drawn, ops.sum(nats, axis=(0, 2, 3))) if return_log_prob else drawn


class _RowDrawer:
    """The body of the loop over rows: `(caches, row) -> (caches, (levels, log-probabilities))`."""

    def __init__(self, model: PixelRNN, steps: NetworkSteps, temperature: Any, return_log_prob: bool):
        self.model, self.steps = model, steps
        self.temperature, self.return_log_prob = temperature, return_log_prob

    def __call__(self, caches: Any, row: Any) -> tuple[Any, Any]:
        noise, condition, images, known = row
        above = self.steps.above(caches, _or_none(condition))
        batch = ops.shape(noise)[0]
        left = self.steps.left(batch)
        packed_above, packed_left = Packing(above), Packing(left)
        packed_records = None  # Known once the body of the loop has been traced.

        def pixel(packed, column):
            nonlocal packed_records
            above, noise, images, known = column
            drawn, nats, left, records = self._draw_pixel(
                packed_above.unpack(above), packed_left.unpack(packed), noise, images, known
            )
            packed_records = Packing(records)
            return packed_left.pack(left), (packed_records.pack(records), drawn, nats)

        columns = _swapped(packed_above.pack(above), noise, images, known)
        _, (records, drawn, nats) = scan(pixel, packed_left.pack(left), columns)
        records, drawn, nats = _swapped(records, drawn, nats)
        caches = self.steps.finish(caches, packed_records.unpack(records), _or_none(condition))
        return caches, (drawn, nats)

    def _draw_pixel(self, above: Any, left: Any, noise: Any, images: Any, known: Any) -> tuple[Any, Any, Any, Any]:
        """Draw one colour after the other, each given those before it."""
        channels = self.model.image_shape[-1]
        drawn, nats = [], []
        for k in range(channels):
            unknown = [ops.zeros_like(noise[:, 0], dtype="int32")] * (channels - k)
            scaled = self.model.scale(ops.stack([*drawn, *unknown], axis=-1), "float32")
            logits, after, records = self.steps.step(scaled, above, left)
            level = draw_level(logits[:, k], noise[:, k], self.temperature)
            if not isinstance(known, tuple):
                level = ops.where(known, images[:, k], level)
            drawn.append(level)
            if self.return_log_prob:
                nats.append(log_prob_of_levels(level, logits[:, k]))
        drawn = ops.stack(drawn, axis=-1)
        self.steps.enter(self.model.scale(drawn, "float32"), above, left, after, records)
        return drawn, ops.stack(nats, axis=-1) if nats else (), after, records


def _checked_known(model: PixelRNN, images: Any, known: Any) -> tuple[Any, Any]:
    """Images, zero where they are not known, and the mask, after their shapes were checked."""
    images, known = ops.cast(images, "int32"), ops.cast(known, "bool")
    model.check_shape("images", images, model.image_shape)
    model.check_shape("known", known, model.image_shape[:2])
    return ops.where(known[..., None], images, 0), known


def check_temperature(temperature: Any) -> None:
    """Check that a temperature given as a number or an array is positive.

    Raises:
        ValueError: if not.
    """
    if isinstance(temperature, int | float | np.number | np.ndarray) and not np.all(np.asarray(temperature) > 0):
        raise ValueError(f"temperature must be greater than 0, got {temperature}.")


def _check_batches(**values: Any) -> None:
    """Check that all that is given has the same number of images, as far as that is known in advance."""
    sizes = {name: value.shape[0] for name, value in values.items() if value is not None}
    if len({size for size in sizes.values() if size is not None}) > 1:
        given = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ValueError(f"All inputs must have the same batch size; got {given}.")


def _rows_known_everywhere(known: Any) -> Any:
    """How many rows, from the first, are known in every image."""
    whole = ops.cast(ops.all(known, axis=(0, 2)), "int32")
    return ops.sum(ops.cumprod(whole))


def _or_none(value: Any) -> Any:
    return None if isinstance(value, tuple) else value


def _swapped(*values: Any) -> Any:
    """Each value with its first two axes exchanged: a loop runs over the first, maps have the batch there."""
    return tuple(value if isinstance(value, tuple) else ops.swapaxes(value, 0, 1) for value in values)
