"""Whether a model takes the images of a data set."""

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.models import ImageModel


def check_fit(model: ImageModel, data: ImageData) -> None:
    """Check that a model takes the images of a data set.

    Raises:
        ValueError: if their shape, levels or number of classes differ.
    """
    if model.image_shape != data.image_shape or model.levels != data.levels:
        raise ValueError(
            f"The model takes images of shape {model.image_shape} with {model.levels} levels; {data.name} has the "
            f"shape {data.image_shape} with {data.levels} levels. Choose data the model was trained for, or "
            "requantise and resize it (--levels, --binarization, --image_size, --channels)."
        )
    if (model.num_classes or 0) != len(data.classes):
        raise ValueError(
            f"The model takes {model.num_classes or 'no'} classes, and {data.name} was loaded with "
            f"{len(data.classes) or 'none'}: --class_conditional is for models that were trained with it, on images of "
            "as many classes."
        )
