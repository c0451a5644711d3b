"""Whether a model takes the images of a data set, and labels that mean the same classes to both."""

import dataclasses

from pixelrnn_tf.data import ImageData, match_classes
from pixelrnn_tf.models import ImageModel

UNNAMED = (
    "the model was saved without the names of its classes, so they are taken to be the data's, in this order: check "
    "that this is right"
)


def fit_data(model: ImageModel, data: ImageData) -> ImageData:
    """Check that a model takes the images of a data set, and number their classes as the model does, by name.

    Returns:
        the data with the classes of the model; with a note, if the model has no names of classes.

    Raises:
        ValueError: if their shape, levels or number of classes differ, or the data have a class that the model has not.
    """
    if model.image_shape != data.image_shape or model.levels != data.levels:
        raise ValueError(
            f"The model takes images of shape {model.image_shape} with {model.levels} levels; {data.name} has the "
            f"shape {data.image_shape} with {data.levels} levels. Choose data the model was trained for, or "
            "requantise and resize it (--levels, --binarization, --image_size, --channels)."
        )
    if model.condition_format is not None and model.num_classes is None:
        raise ValueError(
            f"The model takes a condition of the shape {model.condition_format.shape}, which data sets do not hold. "
            "Score it from Python: pixelrnn_tf.models.log_prob(model, images, condition)."
        )
    if data.classes and model.class_names is not None:
        return match_classes(data, model.class_names)
    if (model.num_classes or 0) != len(data.classes):
        raise ValueError(
            f"The model takes {model.num_classes or 'no'} classes, and {data.name} was loaded with "
            f"{len(data.classes) or 'none'}: --class_conditional is for models that were trained with it, on images of "
            "as many classes."
        )
    if data.classes:
        data = as_numbered_before_names(data)
        return data if UNNAMED in data.notes else dataclasses.replace(data, notes=(*data.notes, UNNAMED))
    return data


def as_numbered_before_names(data: ImageData) -> ImageData:
    """Number the classes of a folder alphabetically, as versions did whose models have no names of classes."""
    return match_classes(data, sorted(data.classes)) if data.name.startswith("folder:") else data
