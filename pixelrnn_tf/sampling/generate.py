"""Generating and completing images."""

import math
from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.sampling.inverse_cdf import draw_level


def generate(
    model: keras.Model,
    noise: Any,
    images: Any = None,
    known: Any = None,
    temperature: Any = 1.0,
    condition: Any = None,
) -> Any:
    """Draw images sub-pixel by sub-pixel, in raster order (paper section 2.1).

    Every sub-pixel is drawn by inverting its cumulative distribution at its noise value, so that the images
    are a function of the noise. Pixels marked as known are kept, and what follows them in raster order is
    drawn given them. What comes before a known pixel is drawn without looking at it: the model's
    distribution of a pixel is given the earlier ones alone, so pixels drawn before a known one agree with it
    only by chance. Completing the lower half of an image is exact; completing the upper half is not.

    The whole network is run once per sub-pixel; the loop is in the graph.

    Args:
        model: a `PixelRNN`.
        noise: uniform in [0, 1), `(batch, height, width, channels)`.
        images: integer levels of an image's shape; read at known pixels. Needed with `known`.
        known: bool `(batch, height, width)`, True where a pixel is to be kept. Needed with `images`.
        temperature: what the logits are divided by: a positive number, or one per image, `(batch,)`.
        condition: conditioning map `(batch, height, width, condition_features)`, exactly if the model was
            made for one.

    Returns:
        int32 levels `(batch, height, width, channels)`.

    Raises:
        ValueError: for shapes that do not fit the model, or one of `images` and `known` without the other.
    """
    noise = ops.convert_to_tensor(noise, dtype="float32")
    _check("noise", noise, model.image_shape)
    if (images is None) != (known is None):
        raise ValueError("Pass `images` and `known` together: the images, and which of their pixels to keep.")
    size = math.prod(model.image_shape)
    batch = ops.shape(noise)[0]
    flat_noise = ops.reshape(noise, (batch, size))
    start = ops.zeros((batch, size), dtype="int32")
    keep = ops.zeros((batch, size), dtype="bool")
    if known is not None:
        images = ops.cast(images, "int32")
        known = ops.cast(known, "bool")
        _check("images", images, model.image_shape)
        _check("known", known, model.image_shape[:2])
        keep = ops.reshape(ops.repeat(known[..., None], model.image_shape[-1], axis=-1), (batch, size))
        start = ops.where(keep, ops.reshape(images, (batch, size)), 0)

    def step(flat, position):
        so_far = ops.reshape(flat, (batch, *model.image_shape))
        logits = model(so_far if condition is None else [so_far, condition])
        logits = ops.take(ops.reshape(logits, (batch, size, model.levels)), position, axis=1)
        drawn = draw_level(logits, ops.take(flat_noise, position, axis=1), temperature)
        here = ops.logical_and(ops.arange(size, dtype="int32") == position, ops.logical_not(keep))
        return ops.where(here, drawn[:, None], flat), ()

    flat, _ = scan(step, start, ops.arange(size, dtype="int32"))
    return ops.reshape(flat, (batch, *model.image_shape))


def _check(name: str, value: Any, expected: tuple[int, ...]) -> None:
    shape = tuple(value.shape)
    if len(shape) != len(expected) + 1 or any(n not in (None, m) for n, m in zip(shape[1:], expected, strict=True)):
        raise ValueError(f"{name} must have the shape {(None, *expected)}, None being the batch; got {shape}.")
