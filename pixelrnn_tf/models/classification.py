"""Classification with class-conditional models, and the likelihood marginalized over the classes."""

import math

import numpy as np
from keras import ops

from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.levels import check_whole, level_tensor
from pixelrnn_tf.models.log_probs import log_prob
from pixelrnn_tf.typing import Tensor, TensorLike


def class_log_probs(model: ImageModel, images: TensorLike, labels: TensorLike | None = None) -> Tensor:
    """Compute log p(image | class) for every image and class, in one pass over all pairs.

    Args:
        model: a class-conditional model, such as one with a `LabelEmbedding`.
        images: integer levels `(batch, height, width, channels)`.
        labels: the classes, integers `(classes,)`; None for all.

    Returns:
        nats, float32 `(batch, classes)`.

    Raises:
        ValueError: for a model that is not class-conditional, or images or labels that do not fit it.
    """
    if model.num_classes is None:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not class-conditional: construct it with "
            "conditioner=LabelEmbedding(num_classes, features)."
        )
    images = level_tensor(images)
    model.check_shape("images", images, model.image_shape)
    check_whole(images, "images")
    labels = ops.arange(model.num_classes, dtype="int32") if labels is None else model.convert_condition(labels)
    model.check_shape("labels", labels, ())
    batch, classes = ops.shape(images)[0], ops.shape(labels)[0]
    pairs = (batch, classes, *model.image_shape)
    repeated = ops.reshape(ops.broadcast_to(images[:, None], pairs), (batch * classes, *model.image_shape))
    labels = ops.broadcast_to(labels, (batch, classes))
    return ops.reshape(log_prob(model, repeated, ops.reshape(labels, (batch * classes,))), (batch, classes))


def classify(model: ImageModel, images: TensorLike) -> Tensor:
    """Compute the probability of every class given an image, under a uniform prior over the classes.

    Args:
        model: a class-conditional model.
        images: integer levels `(batch, height, width, channels)`.

    Returns:
        float32 `(batch, num_classes)`; rows sum to 1.

    Raises:
        ValueError: see `class_log_probs`.

    Example:

    >>> from pixelrnn_tf.layers import LabelEmbedding
    >>> from pixelrnn_tf.models import PixelRNN
    >>> model = PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=LabelEmbedding(10, 16))
    >>> classify(model, np.zeros((5, 3, 3, 1), "uint8")).shape
    TensorShape([5, 10])
    """
    return ops.softmax(class_log_probs(model, images), axis=-1)


def predict_classes(model: ImageModel, images: TensorLike) -> list[str]:
    """Predict the most probable class of every image: its name, or its label as a string if the classes have no names.

    Args:
        model: a class-conditional model.
        images: integer levels `(batch, height, width, channels)`.

    Raises:
        ValueError: see `class_log_probs`.

    Example:

    >>> from pixelrnn_tf.layers import LabelEmbedding
    >>> from pixelrnn_tf.models import PixelRNN
    >>> pets = LabelEmbedding(2, 16, class_names=["cat", "dog"])
    >>> model = PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=pets)
    >>> set(predict_classes(model, np.zeros((5, 3, 3, 1), "uint8"))) <= {"cat", "dog"}
    True
    """
    labels = np.argmax(ops.convert_to_numpy(class_log_probs(model, images)), axis=-1)
    return [class_name(model, label) for label in labels]


def class_name(model: ImageModel, label: int) -> str:
    """Name of a class, or its label as a string if the classes have no names."""
    return str(label) if model.class_names is None else model.class_names[label]


def find_class(model: ImageModel, name: int | str) -> int:
    """Label of a class.

    Args:
        model: a class-conditional model.
        name: name of the class, or its label if the classes have no names.

    Raises:
        ValueError: if there is no such class.
    """
    if model.num_classes is None:
        raise ValueError(f"The model takes no labels, got --label={name}.")
    names = model.class_names or tuple(map(str, range(model.num_classes)))
    if str(name) in names:
        return names.index(str(name))
    if names == tuple(map(str, range(len(names)))):
        raise ValueError(f"The model takes labels from 0 to {len(names) - 1}, got --label={name}.")
    raise ValueError(f"The model takes the classes {', '.join(names)}; got --label={name}.")


def marginal_log_prob(model: ImageModel, images: TensorLike) -> Tensor:
    """Compute log p(image) of a class-conditional model, marginalized over a uniform prior over the classes.

    Args:
        model: a class-conditional model.
        images: integer levels `(batch, height, width, channels)`.

    Returns:
        nats, float32 `(batch,)`.

    Raises:
        ValueError: see `class_log_probs`.
    """
    return marginal_of(class_log_probs(model, images))


def marginal_of(log_probs: Tensor) -> Tensor:
    """Log of the mean probability over the classes, `(batch,)`, from `class_log_probs`."""
    return ops.logsumexp(log_probs, axis=-1) - math.log(log_probs.shape[-1])
