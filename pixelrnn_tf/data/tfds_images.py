"""Image data sets of TensorFlow Datasets (TFDS)."""

import os
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data.fingerprint import split_fingerprint
from pixelrnn_tf.data.fit import fit_image, fitted_shape
from pixelrnn_tf.data.image_data import ImageData, Split
from pixelrnn_tf.data.levels import check_range
from pixelrnn_tf.data.split_names import SPLIT_NAMES, by_split, split_of

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder
    from tensorflow_datasets.decode import PartialDecoding
    from tensorflow_datasets.features import Image

# Data sets whose bytes are 0 and 1.
BINARY = ("binarized_mnist",)


def load_tfds(
    name: str, image_size: tuple[int, int] | None, channels: int | None, class_conditional: bool = False
) -> ImageData:
    """A data set of TFDS, downloaded and prepared if it is not there yet.

    It is looked for, and prepared, in the directory TFDS_DATA_DIR of the environment, or else where TFDS keeps
    its data. The splits are those of TFDS, by any of `SPLIT_NAMES`; without one for validation the last tenth of
    train becomes it. A note names the others.

    Args:
        name: as TFDS names it: "mnist", "imagenet_resized/32x32".
        image_size: `(height, width)` to crop and resize to, or None.
        channels: 1 or 3 to convert to, or None.
        class_conditional: read the feature `label` too.

    Returns:
        the images with 256 levels, or 2 for a data set that is binary.

    Raises:
        ValueError: if there is no such data set, it has no uint8 images, or they do not fit what is asked, or
            classes are asked for and it has none.
        FileNotFoundError: if it is not there and cannot be downloaded.
    """
    builder = _prepared(name)
    image = _image_feature(builder, name)
    title, levels = f"tfds:{name}", 2 if builder.name in BINARY else 256
    shape = fitted_shape(title, tuple(image.shape), image_size, channels)
    if levels == 2 and shape[:2] != tuple(image.shape[:2]):
        raise ValueError(f"{title} is already binary: resizing it would change its binarisation.")

    def prepare(example: dict[str, tf.Tensor]) -> tf.Tensor:
        return fit_image(check_range(example["image"], levels), shape, levels)

    classes = _classes(builder, title) if class_conditional else ()
    names, splits = _split_names(builder, title), {}
    for key, tfds_name in names.items():
        # The decoder leaves all other features alone: some are costly.
        examples = builder.as_dataset(split=tfds_name, decoders=_only("image"))
        labels = _labels(builder, tfds_name) if classes else None
        size = builder.info.splits[tfds_name].num_examples
        splits[key] = Split(tfds_name, size, examples, labels=labels).map(prepare)
    binarization = "fixed (as shipped)" if levels == 2 else f"none ({levels} levels)"
    others = [key for key in builder.info.splits if split_of(key) not in names]
    notes = (f"left out the splits {', '.join(others)}",) if others else ()
    fingerprint = _fingerprint(builder, names)
    return ImageData(title, shape, levels, binarization, splits, fingerprint=fingerprint, notes=notes, classes=classes)


def _prepared(name: str) -> "DatasetBuilder":
    """The TFDS builder of a data set that is there."""
    import tensorflow_datasets as tfds  # Slow to import, and needed here alone.

    # TFDS reads this variable once, when it is imported; given here it holds whenever it was set.
    data_dir = os.environ.get("TFDS_DATA_DIR") or None
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError) as error:
        raise ValueError(f"TFDS has no data set {name!r}: {_first_line(error)}") from error
    try:
        builder.download_and_prepare()
    except Exception as error:  # Every data set fails in a way of its own.
        raise FileNotFoundError(
            f"tfds:{name} is not in {builder.data_dir} and could not be downloaded and prepared there. Set the "
            f"environment variable TFDS_DATA_DIR to a directory that holds it prepared.{_advice(builder.name)} "
            f"The cause: {type(error).__name__}: {_first_line(error)}"
        ) from error
    return builder


def _advice(builder_name: str) -> str:
    if builder_name != "downsampled_imagenet":
        return ""
    return (
        " TFDS downloads downsampled_imagenet from an address that no longer exists: prepare it by hand, or use "
        "tfds:imagenet_resized/32x32 or tfds:imagenet_resized/64x64 (resized in another way, so scores differ), "
        "or folder:PATH with images of your own."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _image_feature(builder: "DatasetBuilder", name: str) -> "Image":
    import tensorflow_datasets as tfds

    features = dict(builder.info.features.items())
    image = features.get("image")
    if not isinstance(image, tfds.features.Image) or np.dtype(image.np_dtype) != np.uint8:
        raise ValueError(
            f"tfds:{name} is no data set of images: it needs a feature `image` of type uint8, and its features "
            f"are {', '.join(f'{key}: {type(feature).__name__}' for key, feature in features.items())}."
        )
    return image


def _classes(builder: "DatasetBuilder", title: str) -> tuple[str, ...]:
    """The names of the classes."""
    import tensorflow_datasets as tfds

    features = dict(builder.info.features.items())
    label = features.get("label")
    if not isinstance(label, tfds.features.ClassLabel) or label.num_classes is None:
        raise ValueError(
            f"{title} has no classes: it needs a feature `label` of type ClassLabel, and its features are "
            f"{', '.join(f'{key}: {type(feature).__name__}' for key, feature in features.items())}. Leave out "
            "class_conditional."
        )
    return tuple(label.names)


def _labels(builder: "DatasetBuilder", split: str) -> np.ndarray:
    """The labels of a split, int32, in the order of its images."""
    examples = builder.as_dataset(split=split, decoders=_only("label"))
    batches = [batch["label"] for batch in examples.batch(1024).as_numpy_iterator()]
    return np.concatenate(batches).astype("int32")


def _only(feature: str) -> "PartialDecoding":
    import tensorflow_datasets as tfds

    return tfds.decode.PartialDecoding({feature: True})


def _split_names(builder: "DatasetBuilder", title: str) -> dict[str, str]:
    """TFDS's names of the splits, by ours."""
    sizes = {key: split.num_examples for key, split in builder.info.splits.items()}
    names = by_split([key for key, size in sizes.items() if size], title)
    if "train" not in names:
        raise ValueError(f"{title} has no split `train`; its splits are: {', '.join(sizes)}.")
    if "validation" not in names:
        train = names["train"]
        kept = sizes[train] - max(1, sizes[train] // 10)
        names = {**names, "train": f"{train}[:{kept}]", "validation": f"{train}[{kept}:]"}
    return {key: names[key] for key in SPLIT_NAMES if key in names}


def _fingerprint(builder: "DatasetBuilder", names: dict[str, str]) -> dict[str, str]:
    """What the splits hold, by name, version and number of images.

    The files are not read: TFDS gives a data set another version when its images change.
    """
    splits, version = builder.info.splits, builder.info.full_name.encode()
    return {key: split_fingerprint(splits[name].num_examples, [version, name.encode()]) for key, name in names.items()}
