"""Validation of the inputs of the codec."""

import numpy as np
from keras import ops

from pixelrnn_tf.compression.file_format import level_dtype
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.typing import TensorLike


def checked_images(model: ImageModel, images: TensorLike) -> np.ndarray:
    """Convert images of a model to the dtype of `level_dtype`.

    Raises:
        ValueError: for another shape or invalid levels.
    """
    array = np.asarray(images)
    model.check_shape("images", array, model.image_shape)
    if array.dtype.kind not in "biuf" or not np.all((array >= 0) & (array < model.levels) & (array == np.floor(array))):
        raise ValueError(f"images must hold integers from 0 to {model.levels - 1}.")
    return array.astype(level_dtype(model.levels))


def checked_condition(model: ImageModel, condition: TensorLike | None, images: TensorLike) -> np.ndarray | None:
    """Convert a condition to an array in the dtype of the conditioner.

    Raises:
        ValueError: if it does not fit the model or the images, or the model takes no condition.
    """
    converted = model.convert_condition(condition)
    model.check_inputs(images, converted)
    return None if converted is None else np.asarray(ops.convert_to_numpy(converted))
