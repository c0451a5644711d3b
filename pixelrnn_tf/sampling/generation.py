"""Generating and completing images at the cost of about one pass of the network."""

from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.layers.incremental import Tensors
from pixelrnn_tf.layers.scan import scan, scan_from
from pixelrnn_tf.models.compilation import run_compiled
from pixelrnn_tf.models.image_model import ImageModel, Scale
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

    Every sub-pixel is drawn by inverting its cumulative distribution at its noise value, so that the images
    are a function of the noise. Pixels marked as known are kept, and what follows them in raster order is
    drawn given them. What comes before a known pixel is drawn without looking at it: the model's
    distribution of a pixel is given the earlier ones alone, so pixels drawn before a known one agree with it
    only by chance. Completing the lower half of an image is exact; completing the upper half is not.

    The loops over rows and columns are in the graph, and every layer computes every position once (as many
    times as there are colours), so the time grows with the number of pixels. First rows that are known in
    every image are taken in one parallel pass. Outside a graph this runs as a graph that is made at the first
    call, and serves every number of images after it.

    A model of several scales draws its smallest image first, then each larger one given it, at the noise of the pixels
    that are new; a pixel is drawn given those before it in this order alone.

    Args:
        model: the network.
        noise: uniform in [0, 1), `(batch, height, width, channels)`.
        images: integer levels of an image's shape; read at known pixels alone, where they must be whole numbers in
            `[0, levels)`. Needed with `known`.
        known: `(batch, height, width)`, True, or any number but 0, where a pixel is to be kept. Needed with `images`.
        temperature: what the logits are divided by: a number from `MIN_TEMPERATURE` to `MAX_TEMPERATURE`
            (`pixelrnn_tf.sampling.temperature`), or one per image, `(batch,)`.
        condition: what the model's conditioner takes: labels, or a map `(batch, height, width, condition_features)`;
            exactly if the model was made for one.
        return_log_prob: return `(images, log_prob)`: the log-probability of each whole image in nats,
            `(batch,)`, known pixels included, and always at temperature 1.
        dtype: what the network is computed in, "float32" or "float64", under every dtype policy of the model.

    Returns:
        int32 levels `(batch, height, width, channels)`. Where there is no level to return, it is -1, and the
        log-probability of the image NaN: for what is drawn from NaN logits; and in a graph, which learns the values
        of its arguments only when it runs, for images whose noise, temperature or condition is out of range, and for
        known sub-pixels that hold no level.

    Raises:
        ValueError: for shapes that do not fit the model, noise outside [0, 1), one of `images` and `known` without the
            other, a condition where the model takes none or the other way round, a condition or a temperature out of
            its bounds, or known pixels that hold no levels.
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
    check_temperature(temperature)
    if (images is None) != (known is None):
        raise ValueError("Pass `images` and `known` together: the images, and which of their pixels to keep.")
    noise = ops.convert_to_tensor(noise)
    in_range = ops.logical_and(noise >= 0, noise < 1)
    if _is_false(ops.all(in_range)):
        raise ValueError("noise must be at least 0 and below 1 everywhere: draw it from a uniform distribution.")
    given = {"noise": ops.cast(noise, dtype)}
    condition = model.convert_condition(condition)
    model.check_inputs(given["noise"], condition, name="noise")
    if images is not None:
        given |= {"images": ops.convert_to_tensor(images), "known": ops.convert_to_tensor(known)}
        model.check_shape("images", given["images"], model.image_shape)
        model.check_shape("known", given["known"], model.image_shape[:2])
    temperature = bounded_temperature(temperature, dtype)
    if len(temperature.shape) > 1:
        raise ValueError(f"temperature must be a number, or one for each image; got the shape {temperature.shape}.")
    if condition is not None:
        given["condition"] = condition
    _check_batches(**given, **({"temperature": temperature} if len(temperature.shape) else {}))
    # In a graph, where nothing can be raised, no image is drawn from noise out of range.
    valid = ops.all(in_range, axis=(1, 2, 3))
    given["temperature"] = ops.where(valid, temperature, ops.cast(float("nan"), temperature.dtype))
    if images is not None:
        given |= _known_levels(given["images"], given["known"], model.levels)
    return run_compiled(_generated, model, given, return_log_prob=return_log_prob, dtype=dtype)


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
    """`generate` of what has been checked: levels in int32, known pixels in bool, one temperature per image."""
    valid = model.valid_conditions(condition)
    if valid is not None:
        # For a condition out of range there is no distribution, as there is none for a temperature out of its bounds.
        temperature = ops.where(valid, temperature, float("nan"))
    given = {"noise": noise}
    if images is not None and known is not None:
        given |= {"images": images, "known": known}
    drawn: Tensors | None = None
    for scale in model.scales():
        draw = _Draw(temperature, return_log_prob)
        drawn = _draw_scale(scale, given, draw, condition if drawn is None else None, drawn, dtype)
    assert drawn is not None  # For the type checker: every model has a scale.
    if not return_log_prob:
        return drawn["levels"]
    log_prob = ops.sum(drawn["nats"], axis=(1, 2, 3))
    return drawn["levels"], log_prob if valid is None else ops.where(valid, log_prob, float("nan"))


def _draw_scale(
    scale: Scale, given: Tensors, draw: "_Draw", condition: Tensor | None, smaller: Tensors | None, dtype: DType
) -> Tensors:
    """What `draw` draws at one of the sizes of a model.

    Args:
        scale: the network, and of which pixels.
        given: the noise of the whole image, and, if some are known, its images and known pixels.
        draw: decides on a level.
        condition: of the first scale; None for none.
        smaller: what was drawn at the scale before, which this one is given and takes over; None for the first.
        dtype: what the network is computed in.

    Returns:
        "levels" and, if asked for, "nats", `(batch, height, width, channels)` at this scale.
    """
    network, of_scale = scale.network, {name: every_kth(value, scale.stride) for name, value in given.items()}
    some_known = "known" in given
    if smaller is not None:
        condition = ops.clip(smaller["levels"], 0, network.levels - 1)  # -1 stands for what cannot be drawn.
        of_scale |= _taken_over(of_scale, smaller["levels"], network.image_shape)
    condition_map = network.condition_map(condition, dtype)
    rows, everywhere = conditions_of_rows(condition_map)
    incremental, batch = IncrementalNetwork(network, dtype), ops.shape(of_scale["noise"])[0]
    draw_row = RowOfPixels(incremental, draw, batch, everywhere)
    if some_known:
        images, first = of_scale["images"], _rows_known_everywhere(of_scale["known"])
        parameters, caches = incremental.prefill(incremental.scale(images), condition_map, first)
        nats = network.output_distribution.log_prob(parameters, images) if draw.return_log_prob else None
        kept = {"levels": images} | ({} if nats is None else {"nats": nats})
        _, drawn = scan_from(first, draw_row, caches, swapped(of_scale | rows), swapped(kept))
    else:
        _, drawn = scan(draw_row, incremental.initial_cache(batch), swapped(of_scale | rows))
    drawn = swapped(drawn)
    # The pixels that are taken over were counted at their own scale.
    return drawn if smaller is None else {name: with_small(value, smaller[name]) for name, value in drawn.items()}


def _taken_over(given: Tensors, small: Tensor, image_shape: ImageShape) -> Tensors:
    """Images and known pixels of a scale, the pixels of the smaller image among them."""
    height, width, _ = image_shape
    images = given["images"] if "images" in given else ops.zeros_like(given["noise"], dtype="int32")
    fixed = ops.convert_to_tensor(fixed_pixels(height, width, height // small.shape[1]))[None]
    known = given["known"] | fixed if "known" in given else ops.broadcast_to(fixed, ops.shape(images)[:3])
    return {"images": with_small(images, small), "known": known}


class _Draw:
    """The `Choose` of generation: the level at the noise, but for known pixels, and its log-probability if asked for.

    It is given the noise of the pixel, `(batch, channels)`, and, where some are known, its images and known pixels.
    """

    def __init__(self, temperature: Tensor, return_log_prob: bool):
        self.temperature, self.return_log_prob = temperature, return_log_prob

    def __call__(self, k: int, logits: Tensor, pixel: Tensors) -> Tensors:
        level = level_at_noise(logits, pixel["noise"][:, k], self.temperature)
        if "known" in pixel:
            level = ops.where(pixel["known"], pixel["images"][:, k], level)
        return {"levels": level} | ({"nats": log_prob_of_levels(level, logits)} if self.return_log_prob else {})


def _known_levels(images: Tensor, known: Tensor, levels: int) -> Tensors:
    """`images` in int32, 0 where they are not known and -1 where they are and hold no levels, and `known` in bool.

    Raises:
        ValueError: if known pixels hold no levels, as far as this can be told before a graph runs.
    """
    known, whole = ops.cast(known, "bool"), ops.cast(images, "int32")
    is_level = (ops.cast(whole, images.dtype) == images) & (whole >= 0) & (whole < levels)
    if _is_false(ops.all(is_level | ~known[..., None])):
        raise ValueError(f"Known pixels of images must hold whole numbers from 0 to {levels - 1}.")
    return {"images": ops.where(known[..., None], ops.where(is_level, whole, -1), 0), "known": known}


def _is_false(condition: Tensor) -> bool:
    """Whether a bool scalar is False and this can be told now, not only when a graph runs."""
    value = concrete_value(condition)
    return value is not None and not value


def _check_batches(**values: Tensor) -> None:
    """Check that all that is given has the same number of images, as far as that is known in advance."""
    sizes = {name: value.shape[0] for name, value in values.items()}
    if len({size for size in sizes.values() if size is not None}) > 1:
        given = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ValueError(f"All inputs must have the same batch size; got {given}.")


def _rows_known_everywhere(known: Tensor) -> Tensor:
    """How many rows, from the first, are known in every image."""
    whole = ops.cast(ops.all(known, axis=(0, 2)), "int32")
    return ops.sum(ops.cumprod(whole))
