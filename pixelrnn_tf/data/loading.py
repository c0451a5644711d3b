"""`load`: a data set by its name."""

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
# The longest side an image may be given: its pixels are drawn one by one.
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
) -> ImageData:
    """Load a data set of images as integer levels.

    Args:
        name: "digits" for those of scikit-learn, 8x8x1 with 17 levels; "tfds:NAME" or "tfds:NAME/CONFIG" for one
            of TFDS, which is downloaded if the environment's TFDS_DATA_DIR does not hold it; "folder:PATH" for
            the images in a folder, which needs `image_size`; "npz:FILE" for the arrays in a file of `numpy.savez`
            (see `arrays.load_npz` for their names). `from_arrays` takes arrays.
        levels: number of levels to requantise to, 2 to those of the data set, which None keeps.
        binarization: how to make images binary. "none": not. "threshold": a sub-pixel of at least half the
            highest level becomes 1. "dynamic": it becomes 1 with probability value / highest level, drawn anew
            every epoch of `train_batches`, and once for all in `batches`.
        image_size: `(height, width)`: images are cropped to this aspect ratio about their middle, and resized by
            averaging areas. None keeps the size of the data set, if it has one.
        channels: 1 for grey, 3 for colour; None keeps those of the data set. A folder has what all its files
            are; one of grey and colour files needs to be told.
        class_conditional: give every image's class with it, for class-conditional models: that of the digit, the
            feature `label` of TFDS, or the first folder that a file lies in, one for each class.
        value_range: `(low, high)`: the values in the data are mapped so that these become black and white, the ends
            of 256 levels. For images that fill only a part of what their type holds, such as `(0, 4095)` for 12 bits in
            16-bit files. None maps all that the type holds.
        whole: do not split a folder or an npz file: all of it is the split "all". Every data set has that split, of its
            other splits in turn; this is for images that are scored and not trained on.

    Raises:
        ValueError: for arguments that do not fit each other or the data set.
        FileNotFoundError: if there is no such folder, or a data set of TFDS is not there and cannot be downloaded.
    """
    levels, image_size, channels = _checked(levels, binarization, image_size, channels)
    value_range = check_value_range(value_range)
    data = _load_native(name, image_size, channels, bool(class_conditional), value_range, whole)
    if binarization != "none":
        return _binarized(data, binarization)
    if levels is None or levels == data.levels:
        return data
    return _requantised(data, levels)


def _checked(
    levels: int | None, binarization: str, image_size: tuple[int, int] | None, channels: int | None
) -> tuple[int | None, tuple[int, int] | None, int | None]:
    """The numbers among the arguments of `load`, as plain ints."""
    if binarization not in BINARIZATIONS:
        raise ValueError(f"binarization must be one of {', '.join(BINARIZATIONS)}, got {binarization!r}.")
    if levels is not None:
        levels = checked_integer("levels", levels, 2, 256)
    if binarization != "none" and levels not in (None, 2):
        raise ValueError(f"binarization={binarization!r} gives 2 levels: leave out levels={levels}.")
    if image_size is not None:
        try:
            height, width = (checked_integer("image_size", side, 1, MAX_SIDE) for side in image_size)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"image_size must be two positive integers (height, width), got {image_size}; none may be larger "
                f"than {MAX_SIDE}."
            ) from error
        image_size = (height, width)
    if channels is not None:
        if isinstance(channels, bool) or channels not in (1, 3):
            raise ValueError(f"channels must be 1 (grey) or 3 (colour), got {channels}.")
        channels = int(channels)
    return levels, image_size, channels


def _load_native(
    name: str,
    image_size: tuple[int, int] | None,
    channels: int | None,
    class_conditional: bool,
    value_range: tuple[int, int] | None,
    whole: bool,
) -> ImageData:
    """The data set with the levels it has."""
    kind, _, rest = name.partition(":")
    if name == "digits":
        return _fitted(_mapped(load_digits(class_conditional), value_range), image_size, channels)
    if kind == "tfds" and rest:
        return load_tfds(rest, image_size, channels, class_conditional, value_range)
    if kind == "folder" and rest:
        return load_folder(rest, image_size, channels, class_conditional, value_range, whole)
    if kind == "npz" and rest:
        return _fitted(load_npz(rest, class_conditional, value_range, whole), image_size, channels)
    raise ValueError(
        f"There is no data set {name!r}. Give digits, tfds:NAME, tfds:NAME/CONFIG, folder:PATH or npz:FILE."
    )


def _mapped(data: ImageData, value_range: tuple[int, int] | None) -> ImageData:
    if value_range is None:
        return data
    splits = {key: split.map(lambda image: map_range(image, value_range)) for key, split in data.splits.items()}
    return dataclasses.replace(data, levels=256, binarization="none (256 levels)", splits=splits)


def _fitted(data: ImageData, image_size: tuple[int, int] | None, channels: int | None) -> ImageData:
    shape = fitted_shape(data.name, data.image_shape, image_size, channels)
    if shape == data.image_shape:
        return data
    splits = {key: split.map(lambda image: fit_image(image, shape, data.levels)) for key, split in data.splits.items()}
    return dataclasses.replace(data, image_shape=shape, splits=splits)


def _requantised(data: ImageData, levels: int) -> ImageData:
    if levels > data.levels:
        raise ValueError(f"{data.name} has {data.levels} levels: levels must be at most that, got {levels}.")
    splits = {key: split.map(lambda image: to_levels(image, levels, data.levels)) for key, split in data.splits.items()}
    # Two levels are a threshold, whoever asks for them.
    made = "threshold at 0.5" if levels == 2 else f"none ({levels} levels, rounded from {data.levels})"
    return dataclasses.replace(data, levels=levels, binarization=made, splits=splits)


def _binarized(data: ImageData, binarization: str) -> ImageData:
    if data.levels == 2:
        raise ValueError(f"{data.name} is already binary: its binarisation is fixed. Leave out {binarization!r}.")
    if binarization == "threshold":
        return _requantised(data, 2)
    made = "dynamic (sampled anew every epoch; validation and test: one fixed sample)"
    return dataclasses.replace(data, levels=2, binarization=made, sampled_from=data.levels)
