"""What the codec is given, as arrays that fit the model, or an error."""

import numpy as np
from keras import ops

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.typing import TensorLike


def checked_images(model: ImageModel, images: TensorLike) -> np.ndarray:
    """Images of a model in uint8.

    Raises:
        ValueError: if they are of another shape, or hold something else than levels.
    """
    array = np.asarray(images)
    model.check_shape("images", array, model.image_shape)
    if array.dtype.kind not in "biuf" or not np.all((array >= 0) & (array < model.levels) & (array == np.floor(array))):
        raise ValueError(f"images must hold whole numbers from 0 to {model.levels - 1}.")
    return array.astype("uint8")


def checked_condition(model: ImageModel, condition: TensorLike | None, images: TensorLike) -> np.ndarray | None:
    """A condition of images as an array in the dtype that the conditioner takes.

    Raises:
        ValueError: if it does not fit the model or the images, or there is one where there should be none.
    """
    converted = model.convert_condition(condition)
    model.check_inputs(images, converted)
    if converted is None:
        return None
    array = np.asarray(ops.convert_to_numpy(converted))
    if len(array) != len(images):
        raise ValueError(f"condition is for {len(array)} images; there are {len(images)}.")
    return array
