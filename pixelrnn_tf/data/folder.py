"""A folder of one's own images."""

import pathlib

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data.fit import fit_image
from pixelrnn_tf.data.image_data import ImageData, Split

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


def load_folder(path: str, image_size: tuple[int, int] | None, channels: int | None) -> ImageData:
    """The images in a folder and the folders in it: png, jpg, jpeg, bmp and gif, of which the first frame.

    If the folder holds `train/` and also `validation/` or `test/`, these are the splits, and a missing
    validation is the last tenth of train. Otherwise a tenth each of all images is validation and test. Before
    any of this the sorted files, but for those of `validation/` and `test/`, are put in one fixed random order:
    sorted files are often sorted by what they show. Hidden files are left out.

    Every file is decoded once here, so that a broken one is known before the training starts.

    Args:
        path: of the folder; "~" is the home directory.
        image_size: `(height, width)`: images are cropped to this aspect ratio about their middle, and resized.
        channels: 1 for grey or 3 for colour; None means 3.

    Returns:
        the images with 256 levels.

    Raises:
        ValueError: without `image_size`, or if the folder has too few images, or one cannot be read.
        FileNotFoundError: if there is no such folder.
    """
    root = pathlib.Path(path).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    if image_size is None:
        raise ValueError(f"folder:{path} needs image_size=(height, width), to which its images are resized.")
    shape = (*image_size, channels or 3)
    splits = {key: (name, files) for key, (name, files) in _split_files(root).items() if files}
    for _, files in splits.values():
        _check_readable(files)
    return ImageData(
        f"folder:{path}",
        shape,
        256,
        "none (256 levels)",
        {key: Split(name, len(files), _images(files, shape)) for key, (name, files) in splits.items()},
    )


def _split_files(root: pathlib.Path) -> dict[str, tuple[str, list[str]]]:
    """The name and the files of every split."""
    parts = {key: _files(root / key) for key in ("train", "validation", "test") if (root / key).is_dir()}
    if "train" not in parts and parts:
        raise ValueError(f"{root} has {' and '.join(f'{key}/' for key in parts)}, but no train/.")
    files = _permuted(parts["train"] if len(parts) > 1 else _files(root))
    tenth = max(1, len(files) // 10)
    if len(parts) < 2:
        _check_number(root, files, 3)
        ends = {"train": (0, -2 * tenth), "validation": (-2 * tenth, -tenth), "test": (-tenth, None)}
        return _slices(f"{len(files)} files permuted by RandomState(0)", files, ends)
    for key, part in parts.items():
        _check_number(root / key, part, 1)
    if "validation" in parts:
        splits = {"train": ("train", files), "validation": ("validation", parts["validation"])}
    else:
        _check_number(root / "train", files, 2)
        ends = {"train": (0, -tenth), "validation": (-tenth, None)}
        splits = _slices("train permuted by RandomState(0)", files, ends)
    return splits | ({"test": ("test", parts["test"])} if "test" in parts else {})


def _files(folder: pathlib.Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(str(path) for path in found if not path.name.startswith("."))


def _permuted(files: list[str]) -> list[str]:
    # RandomState, because numpy promises that its stream never changes.
    return [files[k] for k in np.random.RandomState(0).permutation(len(files))]


def _slices(name: str, files: list[str], ends: dict[str, tuple[int, int | None]]) -> dict[str, tuple[str, list[str]]]:
    splits = {}
    for key, end in ends.items():
        start, stop, _ = slice(*end).indices(len(files))
        splits[key] = (f"{name}, [{start}:{stop}]", files[start:stop])
    return splits


def _check_number(folder: pathlib.Path, files: list[str], least: int) -> None:
    if len(files) < least:
        raise ValueError(
            f"{folder} has {len(files) or 'no'} images ({', '.join(s[1:] for s in SUFFIXES)}); "
            f"it needs at least {least}."
        )


def _check_readable(files: list[str]) -> None:
    """Decode every file, and name the first that cannot be."""
    read = 0
    try:
        for _ in _decoded(files).map(tf.size):
            read += 1
    except tf.errors.OpError as error:
        raise ValueError(f"Cannot read the image {files[read]}: {error.message}") from error


def _images(files: list[str], shape: tuple[int, int, int]) -> tf.data.Dataset:
    return _decoded(files).map(lambda image: fit_image(image, shape, 256), num_parallel_calls=tf.data.AUTOTUNE)


def _decoded(files: list[str]) -> tf.data.Dataset:
    """Colour images uint8 `(any, any, 3)` of files, in order."""
    return tf.data.Dataset.from_tensor_slices(files).map(_decode, num_parallel_calls=tf.data.AUTOTUNE)


def _decode(file: tf.Tensor) -> tf.Tensor:
    contents = tf.io.read_file(file)

    def bitmap() -> tf.Tensor:
        # The decoder of bitmaps gives the channels of the file and nothing else: grey, colour, or with opacity.
        image = tf.io.decode_bmp(contents)[..., :3]
        return tf.broadcast_to(image, (tf.shape(image)[0], tf.shape(image)[1], 3))

    def other() -> tf.Tensor:
        return tf.io.decode_image(contents, channels=3, expand_animations=False)

    image = tf.cond(tf.strings.substr(contents, 0, 2) == "BM", bitmap, other)
    image.set_shape((None, None, 3))
    return image
