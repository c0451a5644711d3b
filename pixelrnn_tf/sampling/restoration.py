"""Restore images: draw the sub-pixels again that surprise the model."""

import math

from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.models.compilation import run_compiled
from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.levels import level_tensor
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling.generation import Draw, checked_inputs, draw_scales, known_levels
from pixelrnn_tf.typing import DType, Tensor, TensorLike


def restore(
    model: ImageModel,
    noise: TensorLike,
    images: TensorLike,
    threshold: TensorLike,
    temperature: TensorLike = 1.0,
    condition: TensorLike | None = None,
    dtype: DType = "float32",
) -> tuple[Tensor, Tensor]:
    """Draw again every sub-pixel that is more surprising than a threshold, in one pass in raster order.

    The surprise of a sub-pixel is -log2 p(sub-pixel | earlier sub-pixels), in bits, where earlier sub-pixels are those
    of the restored image. So a damaged pixel does not make the pixels after it surprising. Every sub-pixel is decided
    on its own: a pixel can keep one color and get another. Later pixels have no influence, as in `generate`.

    Args:
        model: the network.
        noise: uniform in [0, 1), `(batch, height, width, channels)`; redrawn sub-pixels are a function of it.
        images: integer levels `(batch, height, width, channels)`.
        threshold: greatest surprise of a sub-pixel to keep, in bits: a number of at least 0, or one per image,
            `(batch,)`. Infinity keeps all, 0 only those of probability 1.
        temperature: divisor of the logits for redrawn sub-pixels, as in `generate`; the surprise is the model's own, at
            temperature 1. `MIN_TEMPERATURE` takes the most likely level, which restores as well at useful thresholds
            and spoils more at low ones.
        condition: as in `generate`.
        dtype: dtype of the computation, "float32" or "float64".

    Returns:
        `(restored, redrawn)`: int32 levels and bool, `(batch, height, width, channels)`. A redrawn sub-pixel can get
        the level that it had. In a graph, invalid levels are redrawn, and an image whose threshold is out of range has
        the levels -1; the same holds for noise, temperature and condition, as in `generate`.

    Raises:
        ValueError: for a threshold below 0, invalid levels, and as `generate`.
        TypeError: if a layer of the model has no incremental form.

    Example:

    >>> from pixelrnn_tf.models import PixelRNN
    >>> model = PixelRNN((4, 4, 1), levels=2, block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> noise = np.random.default_rng(0).uniform(size=(3, 4, 4, 1))
    >>> images = np.zeros((3, 4, 4, 1), "uint8")
    >>> restored, redrawn = restore(model, noise, images, threshold=np.inf)
    >>> np.array_equal(restored, images), bool(np.any(redrawn))
    (True, False)
    """
    images = level_tensor(images)
    model.check_shape("images", images, model.image_shape)
    thresholds = _checked_threshold(threshold, images, dtype)
    given = checked_inputs(model, noise, temperature, condition, dtype, images=images, threshold=thresholds)
    given |= known_levels(images, ops.ones(ops.shape(images)[:3], "bool"), model.levels)
    given.pop("known")  # Needed only to check all levels.
    return run_compiled(_restored, model, given, dtype=dtype)


def _checked_threshold(threshold: TensorLike, images: Tensor, dtype: DType) -> Tensor:
    """Convert a threshold to one number per image, `(batch,)`."""
    value = concrete_value(threshold)
    if value is not None and not (value.dtype.kind in "iuf" and value.ndim < 2 and (value >= 0).all()):
        raise ValueError(f"threshold must be a number of bits of at least 0, or one per image; got {threshold}.")
    threshold = ops.convert_to_tensor(threshold, dtype)
    return threshold if len(threshold.shape) else ops.broadcast_to(threshold, ops.shape(images)[:1])


def _restored(
    model: ImageModel,
    noise: Tensor,
    images: Tensor,
    threshold: Tensor,
    temperature: Tensor,
    condition: Tensor | None = None,
    dtype: DType = "float32",
) -> tuple[Tensor, Tensor]:
    """`restore` on checked arguments: one threshold and temperature per image."""
    valid = model.valid_conditions(condition)
    in_range = threshold >= 0 if valid is None else ops.logical_and(threshold >= 0, valid)
    temperature = ops.where(in_range, temperature, float("nan"))
    # With an invalid argument, nothing can be kept, and nothing can be drawn.
    restore = _Restore(temperature, ops.where(ops.isnan(temperature), -1.0, threshold))
    drawn = draw_scales(model, {"noise": noise, "images": images}, restore, condition, dtype)
    return drawn["levels"], drawn["redrawn"]


class _Restore(Draw):
    """`Choose` for restoration: the level of the image, or the level at the noise if the first is too surprising."""

    def __init__(self, temperature: Tensor, threshold: Tensor):
        super().__init__(temperature, return_log_prob=False)
        self.threshold = threshold

    def __call__(self, k: int, logits: Tensor, pixel: Tensors) -> Tensors:
        level = pixel["images"][:, k]
        bits = log_prob_of_levels(level, logits) / -math.log(2)
        # Not ~(bits <= threshold): TensorFlow's optimizer turns it into bits > threshold, which NaN does not satisfy.
        redrawn = (bits > self.threshold) | ops.isnan(bits)
        if "known" in pixel:  # The smaller image of a multi-scale model, which is restored already.
            redrawn = redrawn & ~pixel["known"]
        return {"levels": ops.where(redrawn, super().__call__(k, logits, pixel)["levels"], level), "redrawn": redrawn}
