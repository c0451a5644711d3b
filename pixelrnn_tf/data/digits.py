"""The digits of scikit-learn."""

import numpy as np

from pixelrnn_tf.data.fingerprint import split_fingerprint
from pixelrnn_tf.data.image_data import ImageData, Split

TRAIN, VALIDATION = 1437, 180


def load_digits(class_conditional: bool = False) -> ImageData:
    """Load scikit-learn's 1797 digits of 8x8 pixels with the 17 levels 0 to 16.

    They come without splits: the first 1437 of a fixed permutation are train, the next 180 validation and the last 180
    test. With `class_conditional`, the classes are 0 to 9.
    """
    from sklearn import datasets  # Slow to import, and only needed here.

    digits = datasets.load_digits()
    images, labels = digits.images.astype("uint8")[..., None], digits.target.astype("int32")
    # Use RandomState, because numpy guarantees that its stream never changes.
    order = np.random.RandomState(0).permutation(len(images))
    ends = {"train": (0, TRAIN), "validation": (TRAIN, TRAIN + VALIDATION), "test": (TRAIN + VALIDATION, len(images))}
    splits = {
        key: Split.of_array(
            f"load_digits permuted by RandomState(0), [{start}:{stop}]",
            images[order[start:stop]],
            labels[order[start:stop]],
        )
        for key, (start, stop) in ends.items()
    }
    fingerprint = {
        key: split_fingerprint(stop - start, [images[order[start:stop]].tobytes()])
        for key, (start, stop) in ends.items()
    }
    classes = tuple(map(str, range(10))) if class_conditional else ()
    return ImageData("digits", (8, 8, 1), 17, "none (17 levels)", splits, fingerprint=fingerprint, classes=classes)
