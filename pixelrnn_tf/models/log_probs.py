"""The log-probabilities that a model gives images: of each image, and of each sub-pixel given those before it."""

from keras import ops
from keras.backend import is_float_dtype, standardize_dtype

from pixelrnn_tf.models.compilation import run_compiled
from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.levels import check_whole
from pixelrnn_tf.models.scales import new_pixels
from pixelrnn_tf.typing import Tensor, TensorLike

# No model has as many levels, so that a number cut to it still is no level.
_MORE_THAN_ANY_LEVEL = 2**15


def log_prob(model: ImageModel, images: TensorLike, condition: TensorLike | None = None) -> Tensor:
    """The exact log-probability of each image (paper section 2.1, Eq. 1 and 2).

    Outside a graph it runs as a graph that is made at the first call, and serves every number of images after it.

    Args:
        model: the network.
        images: integer levels `(batch, height, width, channels)`.
        condition: what the model is conditioned on, exactly if it was made for it.

    Returns:
        nats per image, float32 `(batch,)`; NaN for an image with a number that is no level.

    Raises:
        ValueError: for shapes that do not fit the model, or fractions outside a graph.

    Example:

    >>> from pixelrnn_tf.models import PixelRNN
    >>> model = PixelRNN((4, 4, 1), levels=2, block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> log_prob(model, np.zeros((3, 4, 4, 1), "uint8")).shape
    TensorShape([3])
    """
    return run_compiled(_log_prob, model, _checked(model, images, condition))


def log_prob_map(model: ImageModel, images: TensorLike, condition: TensorLike | None = None) -> Tensor:
    """The log-probability of each sub-pixel given all before it: the terms whose sum `log_prob` is (Eq. 1 and 2).

    What the model did not expect has a low one. It is the surprise at that place: what comes later is judged knowing
    it, and what comes before without.

    Args:
        model: the network.
        images: integer levels `(batch, height, width, channels)`.
        condition: what the model is conditioned on, exactly if it was made for it.

    Returns:
        nats, float32 `(batch, height, width, channels)`; NaN for a number that is no level.

    Raises:
        ValueError: for shapes that do not fit the model, or fractions outside a graph.

    Example:

    >>> from pixelrnn_tf.models import PixelRNN
    >>> model = PixelRNN((4, 4, 1), levels=2, block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> log_prob_map(model, np.zeros((3, 4, 4, 1), "uint8")).shape
    TensorShape([3, 4, 4, 1])
    """
    return run_compiled(_log_prob_map, model, _checked(model, images, condition))


def log_prob_by_scale(model: ImageModel, images: TensorLike, condition: TensorLike | None = None) -> Tensor:
    """The log-probability that each scale of a Multi-Scale PixelRNN adds; their sum is `log_prob` (section 3.6).

    Args:
        model: the network; one of a single scale has one term.
        images: integer levels `(batch, height, width, channels)`.
        condition: what the model is conditioned on, exactly if it was made for it.

    Returns:
        nats per image, float32 `(batch, scales)`: of the smallest image, then of the pixels that each larger one adds,
        given the smaller; NaN where a number is no level.

    Raises:
        ValueError: for shapes that do not fit the model, or fractions outside a graph.

    Example:

    >>> from pixelrnn_tf.models import MultiScalePixelRNN
    >>> model = MultiScalePixelRNN((4, 4, 1), 2, (2, 4), block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> log_prob_by_scale(model, np.zeros((3, 4, 4, 1), "uint8")).shape
    TensorShape([3, 2])
    """
    return run_compiled(_log_prob_by_scale, model, _checked(model, images, condition))


def _log_prob(model: ImageModel, images: Tensor, condition: Tensor | None = None) -> Tensor:
    return ops.sum(_log_prob_map(model, images, condition), axis=(1, 2, 3))


def _log_prob_map(model: ImageModel, images: Tensor, condition: Tensor | None = None) -> Tensor:
    return model.log_prob_of(images, images, condition)


def _log_prob_by_scale(model: ImageModel, images: Tensor, condition: Tensor | None = None) -> Tensor:
    terms = _log_prob_map(model, images, condition)
    height, width, _ = model.image_shape
    of_scales = new_pixels(height, width, [stride for _, stride in model.scales()])
    return ops.stack([ops.sum(ops.where(new[:, :, None], terms, 0.0), axis=(1, 2, 3)) for new in of_scales], axis=1)


def _checked(model: ImageModel, images: TensorLike, condition: TensorLike | None) -> dict[str, Tensor | None]:
    """The arguments as tensors, images in int32, or in float32 where they may hold fractions or NaN.

    So that one compiled function serves whatever integers there are.
    """
    check_whole(images, "images")
    images = ops.convert_to_tensor(images)
    condition = model.convert_condition(condition)
    model.check_inputs(images, condition)
    dtype = standardize_dtype(images.dtype)
    if is_float_dtype(dtype):
        return {"images": ops.cast(images, "float32"), "condition": condition}
    if dtype in ("uint32", "int64", "uint64"):
        images = ops.clip(images, 0 if dtype[0] == "u" else -1, _MORE_THAN_ANY_LEVEL)
    return {"images": ops.cast(images, "int32"), "condition": condition}
