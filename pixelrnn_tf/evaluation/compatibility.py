"""Check that a model and a data set fit together, and match their class labels."""

import dataclasses

import numpy as np

from pixelrnn_tf.data import ImageData, match_classes
from pixelrnn_tf.models import ImageModel

UNNAMED = (
    "the model was saved without class names, so the data's classes are assumed, in this order: check that this is "
    "right"
)


def fit_data(model: ImageModel, data: ImageData) -> ImageData:
    """Check that a model takes the images of a data set, and match the class labels by name.

    Returns:
        the data with the classes of the model, and with a note if the model has no class names.

    Raises:
        ValueError: if shape, levels or number of classes differ, or the data have a class that is unknown to the model.
    """
    if model.image_shape != data.image_shape or model.levels != data.levels:
        raise ValueError(
            f"The model takes images of shape {model.image_shape} with {model.levels} levels, but {data.name} has "
            f"shape {data.image_shape} with {data.levels} levels. Choose data like the model's training data, or "
            "requantize and resize it (--levels, --binarization, --image_size, --channels)."
        )
    takes = model.condition_format
    if data.vector_range or takes_vector(model):
        low, high = data.vector_range or ((), ())
        if takes is None or takes.shape != (len(low),) or not takes_vector(model):
            raise ValueError(
                f"The model takes {'no condition' if takes is None else f'a condition of shape {takes.shape}'}, but "
                f"{data.name} was loaded with {f'vectors of {len(low)} numbers' if low else 'no vectors'} "
                "(--vector_conditional)."
            )
        if np.any(np.less(low, takes.bounds[0])) or np.any(np.greater(high, takes.bounds[1])):
            raise ValueError(
                f"The model takes {takes.meaning()}, but the vectors of {data.name} are from {low} to {high}."
            )
        return data
    if takes is not None and model.num_classes is None:
        raise ValueError(
            f"The model takes a condition of shape {takes.shape}, which data sets do not hold. "
            "Score it from Python: pixelrnn_tf.models.log_prob(model, images, condition)."
        )
    if data.classes and model.class_names is not None:
        return match_classes(data, model.class_names)
    if (model.num_classes or 0) != len(data.classes):
        raise ValueError(
            f"The model takes {model.num_classes or 'no'} classes, but {data.name} was loaded with "
            f"{len(data.classes) or 'none'}. Use --class_conditional only for models that were trained with it, on "
            "data with the same number of classes."
        )
    if data.classes:
        data = as_numbered_before_names(data)
        return data if UNNAMED in data.notes else dataclasses.replace(data, notes=(*data.notes, UNNAMED))
    return data


def takes_vector(model: ImageModel) -> bool:
    """Return True if the condition of a model is a vector of numbers."""
    takes = model.condition_format
    return takes is not None and takes.below is None and len(takes.shape) == 1


def as_numbered_before_names(data: ImageData) -> ImageData:
    """Number the classes of a folder alphabetically, as for older models without class names."""
    return match_classes(data, sorted(data.classes)) if data.name.startswith("folder:") else data
