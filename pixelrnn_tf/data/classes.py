"""Class names: their order, and labels that match those of a model."""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np

from pixelrnn_tf.data.image_data import ImageData

WHOLE_NUMBER = re.compile(r"-?[0-9]+")


def sorted_names(names: Iterable[str]) -> list[str]:
    """Sort names numerically if all are integers, so that 2 comes before 10; otherwise alphabetically."""
    names = list(names)
    if all(WHOLE_NUMBER.fullmatch(name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def match_classes(data: ImageData, class_names: Sequence[str]) -> ImageData:
    """Renumber the classes of a data set by name to match those of a model.

    Args:
        data: data set with classes, whose names are all in `class_names`, in any order.
        class_names: names of the model's classes, in the order of their labels.

    Returns:
        the same images with the classes `class_names` and matching labels.

    Raises:
        ValueError: if the data have a class that is unknown to the model; the message lists both.
    """
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in class_names):
        raise ValueError(f"class_names must be a list of strings, got {class_names!r}.")
    if tuple(class_names) == data.classes:
        return data
    unknown = [name for name in data.classes if name not in class_names]
    if unknown:
        raise ValueError(
            f"{data.name} has the class {unknown[0]!r}, which the model does not know. Classes of the data: "
            f"{', '.join(data.classes)}. Classes of the model: {', '.join(class_names)}. Rename those of the data."
        )
    numbers = np.array([class_names.index(name) for name in data.classes], "int32")
    splits = {
        key: split if split.labels is None else dataclasses.replace(split, labels=numbers[split.labels])
        for key, split in data.splits.items()
    }
    return dataclasses.replace(data, splits=splits, classes=tuple(class_names))
