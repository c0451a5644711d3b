"""Generate and complete images at the cost of about one pass of the network."""

import keras
from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.layers.scan import scan, scan_from
from pixelrnn_tf.models.compilation import run_compiled
from pixelrnn_tf.models.image_inputs import check_batches
from pixelrnn_tf.models.image_model import ImageModel, Scale
from pixelrnn_tf.models.levels import level_tensor
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.models.scales import every_kth, fixed_pixels, with_small
from pixelrnn_tf.sampling.incremental_network import IncrementalNetwork
from pixelrnn_tf.sampling.inverse_cdf import bounded_temperature, level_at_noise
from pixelrnn_tf.sampling.row_of_pixels import RowOfPixels, conditions_of_rows, swapped
from pixelrnn_tf.sampling.temperature import check_temperature
from pixelrnn_tf.typing import DType, ImageShape, Tensor, TensorLike


def generate(
    model: ImageModel,
    noise: TensorLike,
    images: TensorLike | None = None,
    known: TensorLike | None = None,
    temperature: TensorLike = 1.0,
    condition: TensorLike | None = None,
    return_log_prob: bool = False,
    dtype: DType = "float32",
) -> Tensor:
    """Draw images sub-pixel by sub-pixel, in raster order (paper section 2.1).

    Every sub-pixel is drawn by inverting its cumulative distribution at its noise value, so the images are a function
    of the noise. Known pixels are kept, and later pixels in raster order are drawn given them. Earlier pixels are drawn
    without them, since the model's distribution of a pixel depends only on earlier ones. So completing the lower half
    of an image is exact; completing the upper half is not.

    The loops over rows and columns are in the graph, and every layer computes every position once per color, so the
    time grows linearly with the number of pixels. Leading rows that are known in every image take one parallel pass.
    Outside a graph, the first call makes a graph that later calls reuse for any number of images.

    A multi-scale model draws its smallest image first, then each larger one given the smaller, from the noise of the
    new pixels. A pixel depends only on the pixels before it in this order.

    Args:
        model: the network.
        noise: uniform in [0, 1), `(batch, height, width, channels)`.
        images: integer levels in the shape of `noise`; only read at known pixels, which must be integers in
            `[0, levels)`. Required with `known`.
        known: `(batch, height, width)`, True or nonzero at pixels to keep. Required with `images`.
        temperature: divisor of the logits: a number from `MIN_TEMPERATURE` to `MAX_TEMPERATURE`
            (`pixelrnn_tf.sampling.temperature`), or one per image, `(batch,)`.
        condition: input of the model's conditioner, such as labels, or a map
            `(batch, height, width, condition_features)`; required if the model is conditional.
        return_log_prob: return `(images, log_prob)`, with the log-probability of each image in nats, `(batch,)`,
            including known pixels and always at temperature 1.
        dtype: dtype of the computation, "float32" or "float64", whatever the model's dtype policy.

    Returns:
        int32 levels `(batch, height, width, channels)`. Levels are -1, and the log-probability of the image is NaN,
        where the logits are NaN. In a graph, which learns values only when it runs, the same holds for images whose
        noise, temperature or condition is out of range, and for known pixels with invalid levels.

    Raises:
        ValueError: for shapes that do not fit the model, noise outside [0, 1), only one of `images` and `known`, a
            missing or unexpected condition, a condition or temperature out of range, or known pixels with invalid
            levels.
        TypeError: if a layer of the model has no incremental form.

    Example:

    >>> from pixelrnn_tf.models import PixelRNN
    >>> model = PixelRNN((4, 4, 1), levels=2, block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> noise = np.random.default_rng(0).uniform(size=(3, 4, 4, 1))
    >>> images = generate(model, noise)
    >>> upper_half = np.arange(4)[:, None] < np.full((3, 1, 4), 2)
    >>> completed, log_prob = generate(model, noise, images, upper_half, temperature=0.5, return_log_prob=True)
    >>> completed.shape, log_prob.shape
    (TensorShape([3, 4, 4, 1]), TensorShape([3]))
    """
    if (images is None) != (known is None):
        raise ValueError("Pass `images` and `known` together: the images, and a mask of the pixels to keep.")
    kept = {}
    if images is not None:
        kept = {"images": level_tensor(images), "known": ops.convert_to_tensor(known)}
        model.check_shape("images", kept["images"], model.image_shape)
        model.check_shape("known", kept["known"], model.image_shape[:2])
    given = checked_inputs(model, noise, temperature, condition, dtype, **kept)
    if kept:
        given |= known_levels(given["images"], given["known"], model.levels)
    return run_compiled(_generated, model, given, return_log_prob=return_log_prob, dtype=dtype)


def checked_inputs(
    model: ImageModel,
    noise: TensorLike,
    temperature: TensorLike,
    condition: TensorLike | None,
    dtype: DType,
    **rest: Tensor,
) -> Tensors:
    """Check the inputs of a loop over pixels: those of `generate`, and others with the batch as first axis.

    Returns:
        the inputs by name, with one temperature per image; it is NaN for noise out of range in a graph, which cannot
        raise an error.

    Raises:
        ValueError: as `generate`.
    """
    if keras.backend.standardize_dtype(dtype) not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype}.")
    check_temperature(temperature)
    noise = ops.convert_to_tensor(noise)
    in_range = ops.logical_and(noise >= 0, noise < 1)
    if is_false(ops.all(in_range)):
        raise ValueError("noise must be in [0, 1): draw it from a uniform distribution.")
    given = {"noise": ops.cast(noise, dtype), **rest}
    condition = model.convert_condition(condition)
    model.check_inputs(given["noise"], condition, name="noise")
    temperature = bounded_temperature(temperature, dtype)
    if len(temperature.shape) > 1:
        raise ValueError(f"temperature must be a number, or one per image; got the shape {temperature.shape}.")
    if condition is not None:
        given["condition"] = condition
    check_batches(**given, **({"temperature": temperature} if len(temperature.shape) else {}))
    valid = ops.all(in_range, axis=(1, 2, 3))
    return given | {"temperature": ops.where(valid, temperature, ops.cast(float("nan"), temperature.dtype))}


def _generated(
    model: ImageModel,
    noise: Tensor,
    temperature: Tensor,
    condition: Tensor | None = None,
    images: Tensor | None = None,
    known: Tensor | None = None,
    return_log_prob: bool = False,
    dtype: DType = "float32",
) -> Tensor:
    """`generate` on checked arguments: int32 levels, bool known pixels, one temperature per image."""
    valid = model.valid_conditions(condition)
    if valid is not None:
        # A condition out of range has no distribution, like a temperature out of range.
        temperature = ops.where(valid, temperature, float("nan"))
    given = {"noise": noise}
    if images is not None and known is not None:
        given |= {"images": images, "known": known}
    drawn = draw_scales(model, given, Draw(temperature, return_log_prob), condition, dtype)
    if not return_log_prob:
        return drawn["levels"]
    log_prob = ops.sum(drawn["nats"], axis=(1, 2, 3))
    return drawn["levels"], log_prob if valid is None else ops.where(valid, log_prob, float("nan"))


def draw_scales(model: ImageModel, given: Tensors, draw: "Draw", condition: Tensor | None, dtype: DType) -> Tensors:
    """Draw all scales of a model, from the smallest.

    Args:
        model: the network.
        given: "noise" and, for completion and restoration, "images" and "known" pixels.
        draw: chooses a level.
        condition: condition of the model; None for none.
        dtype: dtype of the computation.

    Returns:
        the results of `draw`, `(batch, height, width, channels)`.
    """
    drawn: Tensors | None = None
    for scale in model.scales():
        drawn = _draw_scale(scale, given, draw, condition if drawn is None else None, drawn, dtype)
    assert drawn is not None  # For the type checker: every model has a scale.
    return drawn


def _draw_scale(
    scale: Scale, given: Tensors, draw: "Draw", condition: Tensor | None, smaller: Tensors | None, dtype: DType
) -> Tensors:
    """Draw one scale of a model.

    Args:
        scale: the network and its stride.
        given: as in `draw_scales`, of the full image.
        draw: chooses a level.
        condition: condition of the first scale; None for none.
        smaller: results of the previous scale, which this one is conditioned on and includes; None for the first.
        dtype: dtype of the computation.

    Returns:
        the results of `draw`, `(batch, height, width, channels)` at this scale.
    """
    network, of_scale = scale.network, {name: every_kth(value, scale.stride) for name, value in given.items()}
    some_known = "known" in given
    if smaller is not None:
        condition = ops.clip(smaller["levels"], 0, network.levels - 1)  # -1 marks levels that cannot be drawn.
        of_scale |= _taken_over(of_scale, smaller["levels"], network.image_shape)
    condition_map = network.condition_map(condition, dtype)
    rows, everywhere = conditions_of_rows(condition_map)
    incremental, batch = IncrementalNetwork(network, dtype), ops.shape(of_scale["noise"])[0]
    draw_row = RowOfPixels(incremental, draw, batch, everywhere)
    if some_known:
        images, first = of_scale["images"], _rows_known_everywhere(of_scale["known"])
        parameters, caches = incremental.prefill(incremental.stem_inputs(images), condition_map, first)
        nats = network.output_distribution.log_prob(parameters, images) if draw.return_log_prob else None
        kept = {"levels": images} | ({} if nats is None else {"nats": nats})
        _, drawn = scan_from(first, draw_row, caches, swapped(of_scale | rows), swapped(kept))
    else:
        _, drawn = scan(draw_row, incremental.initial_cache(batch), swapped(of_scale | rows))
    drawn = swapped(drawn)
    # Pixels taken from the smaller image were counted at their own scale.
    return drawn if smaller is None else {name: with_small(value, smaller[name]) for name, value in drawn.items()}


def _taken_over(given: Tensors, small: Tensor, image_shape: ImageShape) -> Tensors:
    """Images and known pixels of a scale, including the pixels of the smaller image."""
    height, width, _ = image_shape
    images = given["images"] if "images" in given else ops.zeros_like(given["noise"], dtype="int32")
    fixed = ops.convert_to_tensor(fixed_pixels(height, width, height // small.shape[1]))[None]
    known = given["known"] | fixed if "known" in given else ops.broadcast_to(fixed, ops.shape(images)[:3])
    return {"images": with_small(images, small), "known": known}


class Draw:
    """`Choose` for generation: the level at the noise, or the known one, and its log-probability if requested.

    Each pixel comes with its noise `(batch, channels)` and, if some pixels are known, its images and known pixels.
    """

    def __init__(self, temperature: Tensor, return_log_prob: bool):
        self.temperature, self.return_log_prob = temperature, return_log_prob

    def __call__(self, k: int, logits: Tensor, pixel: Tensors) -> Tensors:
        level = level_at_noise(logits, pixel["noise"][:, k], self.temperature)
        if "known" in pixel:
            level = ops.where(pixel["known"], pixel["images"][:, k], level)
        return {"levels": level} | ({"nats": log_prob_of_levels(level, logits)} if self.return_log_prob else {})


def known_levels(images: Tensor, known: Tensor, levels: int) -> Tensors:
    """Convert `images` to int32, with 0 at unknown pixels and -1 at invalid known ones, and `known` to bool.

    Raises:
        ValueError: if known pixels hold invalid levels, as far as values are known before a graph runs.
    """
    known, whole = ops.cast(known, "bool"), ops.cast(images, "int32")
    is_level = (ops.cast(whole, images.dtype) == images) & (whole >= 0) & (whole < levels)
    if is_false(ops.all(is_level | ~known[..., None])):
        raise ValueError(f"Known pixels of images must hold integers from 0 to {levels - 1}.")
    return {"images": ops.where(known[..., None], ops.where(is_level, whole, -1), 0), "known": known}


def is_false(condition: Tensor) -> bool:
    """True if a bool scalar is False and its value is known now, not only when a graph runs."""
    value = concrete_value(condition)
    return value is not None and not value


def _rows_known_everywhere(known: Tensor) -> Tensor:
    """Number of leading rows that are known in every image."""
    whole = ops.cast(ops.all(known, axis=(0, 2)), "int32")
    return ops.sum(ops.cumprod(whole))
