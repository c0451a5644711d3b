"""Image data sets of TensorFlow Datasets (TFDS)."""

import os
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data.fingerprint import split_fingerprint
from pixelrnn_tf.data.fit import fit_image, fitted_shape
from pixelrnn_tf.data.image_data import ImageData, Split
from pixelrnn_tf.data.levels import check_range, map_range, range_note
from pixelrnn_tf.data.network import can_reach
from pixelrnn_tf.data.split_names import SPLIT_NAMES, by_split, split_of

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder
    from tensorflow_datasets.decode import PartialDecoding
    from tensorflow_datasets.features import Image

# Number of images that are checked for the range of their values.
RANGE_IMAGES = 256
# Data sets that are already binary.
BINARY = ("binarized_mnist",)


def load_tfds(
    name: str,
    image_size: tuple[int, int] | None,
    channels: int | None,
    class_conditional: bool = False,
    value_range: tuple[int, int] | None = None,
) -> ImageData:
    """Load a TFDS data set; download and prepare it if it is missing.

    The data are in the directory of the environment variable TFDS_DATA_DIR, or else in TFDS's default directory. The
    splits are those of TFDS, by any of `SPLIT_NAMES`. Without a validation split, the last 10 % of train are held out.
    A note names the unused splits.

    Args:
        name: TFDS name, such as "mnist" or "imagenet_resized/32x32".
        image_size: `(height, width)` to crop and resize to, or None.
        channels: 1 or 3 to convert to, or None.
        class_conditional: read the feature `label` too.
        value_range: see `load`.

    Returns:
        the images with 256 levels, or 2 for a binary data set.

    Raises:
        ValueError: if there is no such data set, it has no uint8 images, they do not fit the arguments, or classes are
            requested and it has none or has labels out of range.
        FileNotFoundError: if it is missing and cannot be downloaded.
    """
    builder = _prepared(name)
    image = _image_feature(builder, name)
    title, levels = f"tfds:{name}", 2 if builder.name in BINARY else 256
    stored = levels
    if value_range:
        levels = 256
    shape = fitted_shape(title, tuple(image.shape), image_size, channels, levels)

    def prepare(example: dict[str, tf.Tensor]) -> tf.Tensor:
        values = check_range(example["image"], stored)
        return fit_image(map_range(values, value_range) if value_range else values, shape, levels)

    classes = _classes(builder, title) if class_conditional else ()
    names, splits = _split_names(builder, title), {}
    for key, tfds_name in names.items():
        # Other features are not decoded: some are costly.
        examples = builder.as_dataset(split=tfds_name, decoders=_only("image"))
        labels = _labels(builder, tfds_name, title, len(classes)) if classes else None
        size = builder.info.splits[tfds_name].num_examples
        splits[key] = Split(tfds_name, size, examples, labels=labels).map(prepare)
    binarization = "fixed (as shipped)" if levels == 2 else f"none ({levels} levels)"
    others = [key for key in builder.info.splits if split_of(key) not in names]
    notes = _range_notes(builder, names["train"], stored, value_range)
    notes += (f"unused splits: {', '.join(others)}",) if others else ()
    fingerprint = _fingerprint(builder, names)
    return ImageData(title, shape, levels, binarization, splits, fingerprint=fingerprint, notes=notes, classes=classes)


def is_prepared(name: str) -> bool:
    """Return whether a data set of TFDS is on this machine, so that loading it downloads nothing.

    Raises:
        ValueError: if there is no such data set.
    """
    return _builder(name).data_path.exists()


def _builder(name: str) -> "DatasetBuilder":
    """Return the TFDS builder of a data set."""
    import tensorflow_datasets as tfds  # Slow to import, and only needed here.

    # TFDS only reads this variable on import; pass it here, so that it may be set later.
    data_dir = os.environ.get("TFDS_DATA_DIR") or None
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError) as error:
        raise ValueError(f"TFDS has no data set {name!r}: {_first_line(error)}") from error


def _prepared(name: str) -> "DatasetBuilder":
    """Return the TFDS builder of a prepared data set."""
    builder = _builder(name)
    if not builder.data_path.exists() and not can_reach(map(str, builder.url_infos or ())):
        raise FileNotFoundError(
            f"tfds:{name} is not in {builder.data_dir}, and there is no network to download it. Set the environment "
            "variable TFDS_DATA_DIR to a directory that holds it prepared, or connect to the network."
            f"{_advice(builder.name)}"
        )
    try:
        builder.download_and_prepare()
    except Exception as error:  # Data sets raise errors of any type.
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
        " TFDS downloads downsampled_imagenet from an address that no longer exists: prepare it manually, or use "
        "tfds:imagenet_resized/32x32 or tfds:imagenet_resized/64x64 (resized differently, so scores differ), "
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
            f"tfds:{name} is not a data set of images: it needs a feature `image` of type uint8, but its features "
            f"are {', '.join(f'{key}: {type(feature).__name__}' for key, feature in features.items())}."
        )
    return image


def _classes(builder: "DatasetBuilder", title: str) -> tuple[str, ...]:
    """Names of the classes."""
    import tensorflow_datasets as tfds

    features = dict(builder.info.features.items())
    label = features.get("label")
    if not isinstance(label, tfds.features.ClassLabel) or label.num_classes is None:
        raise ValueError(
            f"{title} has no classes: it needs a feature `label` of type ClassLabel, but its features are "
            f"{', '.join(f'{key}: {type(feature).__name__}' for key, feature in features.items())}. Omit "
            "class_conditional."
        )
    return tuple(label.names)


def _range_notes(
    builder: "DatasetBuilder", split: str, levels: int, value_range: tuple[int, int] | None
) -> tuple[str, ...]:
    """Note on the range of the values in the first images, if it is a small part of the possible range or mapped."""
    examples = builder.as_dataset(split=split, decoders=_only("image")).take(RANGE_IMAGES)
    found = [(int(image.min()), int(image.max())) for image in (e["image"] for e in examples.as_numpy_iterator())]
    low, high = min(low for low, _ in found), max(high for _, high in found)
    what = f"the first {len(found)} images of {split}"
    note = range_note(low, high, levels - 1, value_range, what)
    return (note,) if value_range or note.startswith("WARNING") else ()


def _labels(builder: "DatasetBuilder", split: str, title: str, classes: int) -> np.ndarray:
    """Read the labels of a split, int32, in the order of its images.

    Raises:
        ValueError: if a label is not a class: TFDS gives -1 to images without a label.
    """
    examples = builder.as_dataset(split=split, decoders=_only("label"))
    batches = [batch["label"] for batch in examples.batch(1024).as_numpy_iterator()]
    labels = np.concatenate(batches)
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(
            f"{title}: {wrong.size} of the {labels.size} images of the split {split} have no class (their label is "
            f"{wrong[0]}), so it cannot be used with class_conditional. Omit that."
        )
    return labels.astype("int32")


def _only(feature: str) -> "PartialDecoding":
    import tensorflow_datasets as tfds

    return tfds.decode.PartialDecoding({feature: True})


def _split_names(builder: "DatasetBuilder", title: str) -> dict[str, str]:
    """TFDS's names of the splits, by this package's names."""
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
    """Fingerprints of the splits, from their names, the version of the data set and the number of images.

    The files are not read: TFDS changes the version of a data set when its images change.
    """
    splits, version = builder.info.splits, builder.info.full_name.encode()
    return {key: split_fingerprint(splits[name].num_examples, [version, name.encode()]) for key, name in names.items()}
