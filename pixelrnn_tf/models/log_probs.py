"""Log-probabilities of images and of each sub-pixel given the earlier ones."""

from keras import ops
from keras.backend import is_float_dtype, standardize_dtype

from pixelrnn_tf.models.compilation import run_compiled
from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.levels import MORE_THAN_ANY_LEVEL, check_whole, level_tensor
from pixelrnn_tf.models.scales import new_pixels
from pixelrnn_tf.typing import Tensor, TensorLike


def log_prob(model: ImageModel, images: TensorLike, condition: TensorLike | None = None) -> Tensor:
    """Compute the exact log-probability of each image (paper section 2.1, Eq. 1 and 2).

    Outside a graph, the first call makes a graph that later calls reuse for any number of images.

    Args:
        model: the network.
        images: integer levels `(batch, height, width, channels)`.
        condition: what the model is conditioned on; required if the model is conditional.

    Returns:
        nats per image, float32 `(batch,)`; NaN for an image with an invalid level.

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
    """Compute the log-probability of each sub-pixel given all earlier ones; the sum is `log_prob` (Eq. 1 and 2).

    A low value marks a surprising sub-pixel. Later sub-pixels are scored given it, earlier ones without it.

    Args:
        model: the network.
        images: integer levels `(batch, height, width, channels)`.
        condition: what the model is conditioned on; required if the model is conditional.

    Returns:
        nats, float32 `(batch, height, width, channels)`; NaN for an invalid level.

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
    """Compute the contribution of each scale of a Multi-Scale PixelRNN; their sum is `log_prob` (section 3.6).

    Args:
        model: the network; a single-scale one has one term.
        images: integer levels `(batch, height, width, channels)`.
        condition: what the model is conditioned on; required if the model is conditional.

    Returns:
        nats per image, float32 `(batch, scales)`: for the smallest image, then for the pixels that each larger one
        adds, given the smaller; NaN for an invalid level.

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
    """Convert the arguments to tensors: images in int32, or in float32 if they may hold fractions or NaN.

    One compiled function then serves all integer dtypes.
    """
    check_whole(images, "images")
    images = level_tensor(images)
    condition = model.convert_condition(condition)
    model.check_inputs(images, condition)
    images, condition = model.with_known_shapes(images, condition)
    dtype = standardize_dtype(images.dtype)
    if is_float_dtype(dtype):
        return {"images": ops.cast(images, "float32"), "condition": condition}
    if dtype in ("uint32", "int64", "uint64"):
        images = ops.clip(images, 0 if dtype[0] == "u" else -1, MORE_THAN_ANY_LEVEL)
    return {"images": ops.cast(images, "int32"), "condition": condition}
