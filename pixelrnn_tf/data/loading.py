"""Load a data set by its name."""

import dataclasses

from pixelrnn_tf.data.arrays import load_npz
from pixelrnn_tf.data.digits import load_digits
from pixelrnn_tf.data.fit import fit_image, fitted_shape
from pixelrnn_tf.data.folder import load_folder
from pixelrnn_tf.data.image_data import ImageData
from pixelrnn_tf.data.levels import check_value_range, map_range, to_levels
from pixelrnn_tf.data.tfds_images import load_tfds
from pixelrnn_tf.integers import checked_integer

BINARIZATIONS = ("none", "dynamic", "threshold")
# Limit of an image's sides, since its pixels are drawn one by one.
MAX_SIDE = 4096


def load(
    name: str,
    levels: int | None = None,
    binarization: str = "none",
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    class_conditional: bool = False,
    value_range: tuple[int, int] | None = None,
    whole: bool = False,
    vector_conditional: bool = False,
) -> ImageData:
    """Load a data set of images as integer levels.

    Args:
        name: "digits" for scikit-learn's digits, 8x8x1 with 17 levels; "tfds:NAME" or "tfds:NAME/CONFIG" for TFDS,
            which downloads the data if they are not in the directory of the environment variable TFDS_DATA_DIR;
            "folder:PATH" for a folder of images, which requires `image_size`; "npz:FILE" for a file of `numpy.savez`,
            with the arrays named as in `arrays.load_npz`. For arrays use `from_arrays`.
        levels: number of levels to requantize to, from 2 to that of the data set; None keeps the latter.
        binarization: "none" keeps the levels. "threshold": a sub-pixel of at least half the highest level becomes 1.
            "dynamic": it becomes 1 with probability value / highest level, drawn again in every epoch of
            `train_batches`, but fixed in `batches`.
        image_size: `(height, width)`: images are center-cropped to this aspect ratio and resized by area averaging.
            None keeps the size of the data set, if it has one. Binary images cannot be resized.
        channels: 1 for gray, 3 for color; None keeps those of the data set. A folder with both gray and color files
            requires it.
        class_conditional: return the class of every image too, for class-conditional models: the digit, the feature
            `label` of TFDS, or the top-level folder of a file.
        value_range: `(low, high)`: values of the data that become black and white, the ends of 256 levels. For images
            that use only a part of their type's range, such as `(0, 4095)` for 12 bits in 16-bit files. None maps the
            full range of the type.
        whole: do not split a folder or an npz file: all images form the split "all". Every data set has that split, as
            the concatenation of its splits. Use it for images that you score but do not train on.
        vector_conditional: return the vector of every image of an npz file too, for models conditioned on numbers.

    Raises:
        ValueError: for arguments that contradict each other or do not fit the data set.
        FileNotFoundError: if there is no such folder, or a TFDS data set is missing and cannot be downloaded.
    """
    levels, image_size, channels = _checked(levels, binarization, image_size, channels)
    value_range = check_value_range(value_range)
    if class_conditional and vector_conditional:
        raise ValueError("class_conditional and vector_conditional cannot be combined.")
    data = _load_native(name, image_size, channels, bool(class_conditional), value_range, whole, vector_conditional)
    if binarization != "none":
        return _binarized(data, binarization)
    if levels is None or levels == data.levels:
        return data
    return _requantized(data, levels)


def _checked(
    levels: int | None, binarization: str, image_size: tuple[int, int] | None, channels: int | None
) -> tuple[int | None, tuple[int, int] | None, int | None]:
    """Check the arguments of `load` and convert numbers to Python integers."""
    if binarization not in BINARIZATIONS:
        raise ValueError(f"binarization must be one of {', '.join(BINARIZATIONS)}, got {binarization!r}.")
    if levels is not None:
        levels = checked_integer("levels", levels, 2, 256)
    if binarization != "none" and levels not in (None, 2):
        raise ValueError(f"binarization={binarization!r} gives 2 levels: omit levels={levels}.")
    if image_size is not None:
        try:
            height, width = (checked_integer("image_size", side, 1, MAX_SIDE) for side in image_size)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"image_size must be two positive integers (height, width) up to {MAX_SIDE}, got {image_size}."
            ) from error
        image_size = (height, width)
    if channels is not None:
        if isinstance(channels, bool) or channels not in (1, 3):
            raise ValueError(f"channels must be 1 (gray) or 3 (color), got {channels}.")
        channels = int(channels)
    return levels, image_size, channels


def _load_native(
    name: str,
    image_size: tuple[int, int] | None,
    channels: int | None,
    class_conditional: bool,
    value_range: tuple[int, int] | None,
    whole: bool,
    vector_conditional: bool,
) -> ImageData:
    """Load a data set with its original levels."""
    kind, _, rest = name.partition(":")
    if vector_conditional and kind != "npz":
        raise ValueError(f"vector_conditional requires vectors, which only npz:FILE holds; got {name}.")
    if name == "digits":
        return _fitted(_mapped(load_digits(class_conditional), value_range), image_size, channels)
    if kind == "tfds" and rest:
        return load_tfds(rest, image_size, channels, class_conditional, value_range)
    if kind == "folder" and rest:
        return load_folder(rest, image_size, channels, class_conditional, value_range, whole)
    if kind == "npz" and rest:
        return _fitted(load_npz(rest, class_conditional, value_range, whole, vector_conditional), image_size, channels)
    raise ValueError(
        f"There is no data set {name!r}. Pass digits, tfds:NAME, tfds:NAME/CONFIG, folder:PATH or npz:FILE."
    )


def _mapped(data: ImageData, value_range: tuple[int, int] | None) -> ImageData:
    if value_range is None:
        return data
    splits = {key: split.map(lambda image: map_range(image, value_range)) for key, split in data.splits.items()}
    return dataclasses.replace(data, levels=256, binarization="none (256 levels)", splits=splits)


def _fitted(data: ImageData, image_size: tuple[int, int] | None, channels: int | None) -> ImageData:
    shape = fitted_shape(data.name, data.image_shape, image_size, channels, data.levels)
    if shape == data.image_shape:
        return data
    splits = {key: split.map(lambda image: fit_image(image, shape, data.levels)) for key, split in data.splits.items()}
    return dataclasses.replace(data, image_shape=shape, splits=splits)


def _requantized(data: ImageData, levels: int) -> ImageData:
    if levels > data.levels:
        raise ValueError(f"{data.name} has {data.levels} levels: levels must be at most that, got {levels}.")
    splits = {key: split.map(lambda image: to_levels(image, levels, data.levels)) for key, split in data.splits.items()}
    # Two levels are always a threshold.
    made = "threshold at 0.5" if levels == 2 else f"none ({levels} levels, rounded from {data.levels})"
    return dataclasses.replace(data, levels=levels, binarization=made, splits=splits)


def _binarized(data: ImageData, binarization: str) -> ImageData:
    if data.levels == 2:
        raise ValueError(f"{data.name} is already binary: its binarization is fixed. Omit {binarization!r}.")
    if binarization == "threshold":
        return _requantized(data, 2)
    made = "dynamic (sampled again every epoch; validation and test: one fixed sample)"
    return dataclasses.replace(data, levels=2, binarization=made, sampled_from=data.levels)
