"""Data sets from arrays and npz files."""

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pixelrnn_tf.data.classes import sorted_names
from pixelrnn_tf.data.fingerprint import split_fingerprint
from pixelrnn_tf.data.image_data import ImageData, Split
from pixelrnn_tf.data.levels import check_range, check_value_range, map_range, range_note
from pixelrnn_tf.data.splitting import Part, cut, keep_classes_in_train
from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.regular_files import open_regular

# Names of the arrays of each split in an npz file: this package's, and those of Keras's data sets.
NPZ_KEYS = {
    "train": ("train_images", "x_train", "train_labels", "y_train", "train_vectors"),
    "validation": ("validation_images", "x_val", "validation_labels", "y_val", "validation_vectors"),
    "test": ("test_images", "x_test", "test_labels", "y_test", "test_vectors"),
}
# Limit of the bytes that are read.
MAX_BYTES = 2**35


def from_arrays(
    train: ArrayLike,
    validation: ArrayLike | None = None,
    test: ArrayLike | None = None,
    levels: int | None = None,
    labels: ArrayLike | Mapping[str, ArrayLike] | None = None,
    class_names: Sequence[str] | None = None,
    value_range: tuple[int, int] | None = None,
    name: str = "arrays",
    vectors: ArrayLike | Mapping[str, ArrayLike] | None = None,
    vector_range: ArrayLike | None = None,
) -> ImageData:
    """Make a data set from arrays of images.

    Without `validation`, 10 % of `train` is held out. Images are assigned by their SHA-256: an image never changes its
    split, and copies of an image stay together.

    Args:
        train: integers `(number, height, width)` or `(number, height, width, channels)` in `[0, levels)`, or booleans.
        validation: like `train`, or None.
        test: like `train`, or None for no test split.
        levels: number of levels of the images, 2 to 256; None for 2 with booleans and 256 with integers.
        labels: class labels of the images, for class-conditional models: a dictionary by split, or an array if `train`
            is the only split. Integers from 0, or strings.
        class_names: names of the classes, in the order of their labels; None for the names or numbers in `labels`.
        value_range: `(low, high)`: the values that are mapped to 0 and 255, for 256 levels.
        name: name of the data set.
        vectors: numbers of the images, `(number, numbers)`, for models conditioned on them: a dictionary or an array,
            as for `labels`.
        vector_range: smallest and largest valid numbers, `(2, numbers)`; None for those of all `vectors`.

    Raises:
        ValueError: for arrays that are not images of one shape, values out of range, or labels or vectors that do not
            match.

    Example:

    >>> images = np.arange(100, dtype="uint8").reshape(100, 1, 1) * np.ones((8, 8), "uint8")
    >>> data = from_arrays(images, levels=100)
    >>> data.image_shape, sorted(data.splits)
    ((8, 8, 1), ['train', 'validation'])
    """
    given = {"train": train, "validation": validation, "test": test}
    conditions = _Conditions(labels, class_names, vectors, vector_range)
    return _data(name, {k: v for k, v in given.items() if v is not None}, levels, conditions, value_range)


def load_npz(
    path: str,
    class_conditional: bool = False,
    value_range: tuple[int, int] | None = None,
    whole: bool = False,
    vector_conditional: bool = False,
) -> ImageData:
    """Load images from an npz file, as written by `numpy.savez`.

    The arrays are as in `from_arrays`, with these names:

    - `images` and, with classes, `labels`: all images, of which 10 % each go to validation and test by their SHA-256;
      or
    - `train_images`, `validation_images`, `test_images` and, with classes, `train_labels` and so on. Without
      validation, 10 % of the training images are held out. Keras's names (`x_train`, `y_train`, `x_test`, `y_test`)
      work too;
    - with vectors, `vectors` or `train_vectors` and so on, and optionally `vector_range`; and
    - `levels`, a number, if it is not 256; and `class_names`, strings, if there are any.

    Raises:
        ValueError: if it is not an npz file or holds pickled objects; see also `from_arrays`.
        FileNotFoundError: if there is no such file.
    """
    arrays = _read_npz(os.path.expanduser(path))
    names = {"": ("images", "images", "labels", "labels", "vectors"), **NPZ_KEYS}
    images: dict[str, np.ndarray] = {}
    labels: dict[str, np.ndarray] = {}
    vectors: dict[str, np.ndarray] = {}
    for key, (own, keras_name, own_labels, keras_labels, own_vectors) in names.items():
        if (found := arrays.get(own, arrays.get(keras_name))) is not None:
            images[key] = found
            if class_conditional:
                its_labels = arrays.get(own_labels, arrays.get(keras_labels))
                if its_labels is None:
                    raise ValueError(f"{path} has no array {own_labels}, which class_conditional requires.")
                labels[key] = its_labels
            if vector_conditional:
                if own_vectors not in arrays:
                    raise ValueError(f"{path} has no array {own_vectors}, which vector_conditional requires.")
                vectors[key] = arrays[own_vectors]
    if not ("" in images and len(images) == 1) and not ("train" in images and "" not in images):
        raise ValueError(
            f"{path} must hold either images, or train_images (optionally with validation_images and test_images); it "
            f"holds {', '.join(arrays) or 'nothing'}."
        )
    levels = arrays.get("levels")
    if levels is not None and levels.size != 1:
        raise ValueError(f"{path}: levels must be one number; got an array of the shape {levels.shape}.")
    return _data(
        f"npz:{path}",
        images,
        None if levels is None else levels.item(),
        _Conditions(
            labels or None,
            arrays.get("class_names"),
            vectors or None,
            arrays.get("vector_range"),
        ),
        value_range,
        whole,
    )


def _read_npz(path: str) -> dict[str, np.ndarray]:
    try:
        with open_regular(path, MAX_BYTES) as opened, np.load(opened, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    except (ValueError, OSError, EOFError, AttributeError, TypeError, KeyError, zipfile.BadZipFile) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{path} cannot be read as an npz file: {reason}") from error


def _data(
    name: str,
    given: Mapping[str, ArrayLike],
    levels: int | None,
    conditions: "_Conditions",
    value_range: tuple[int, int] | None,
    whole: bool = False,
) -> ImageData:
    """Make the data set from the images of each split, or from all images under the key ""."""
    value_range = check_value_range(value_range)
    images = {key: _checked_images(f"{name}: {key or 'images'}", array) for key, array in given.items()}
    first, *others = images.values()
    for key, array in images.items():
        if array.shape[1:] != first.shape[1:]:
            raise ValueError(f"{name}: {key} has images of shape {array.shape[1:]}, but train of {first.shape[1:]}.")
    if levels is None:
        levels = 2 if all(array.dtype == bool for array in images.values()) else 256
    levels = checked_integer("levels", levels, 2, 256)
    everything = np.concatenate([first, *others])
    low, high = int(everything.min()), int(everything.max())
    note = range_note(low, high, levels - 1, value_range, f"arrays of {levels} levels")
    try:
        everything = map_range(everything, value_range) if value_range else check_range(everything, levels)
    except ValueError as error:
        raise ValueError(f"{name}: {error} Pass value_range=(low, high) to map them.") from error
    everything, levels = everything.astype("uint8"), 256 if value_range else levels
    sizes = {key: len(array) for key, array in images.items()}
    classes, numbers = _checked_labels(name, conditions.labels, sizes, conditions.class_names)
    vectors, vector_range = _checked_vectors(name, conditions.vectors, sizes, conditions.vector_range)
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in everything]
    parts, notes = _parts(name, sizes, digests, whole)
    if numbers is not None and not whole:
        cut_here = {key: part for key, part in parts.items() if key == "train" or key not in sizes}
        notes += keep_classes_in_train(name, cut_here, digests, classes, numbers)
        parts |= cut_here
        _check_classes(name, parts, classes, numbers)
    splits, fingerprint = {}, {}
    for key, (title, indices) in parts.items():
        of_split = (None if values is None else values[indices] for values in (numbers, vectors))
        splits[key] = Split.of_array(title, everything[indices], *of_split)
        own = [digests[k] + ("" if numbers is None else f" {classes[numbers[k]]}\n") for k in indices]
        if vectors is not None:
            own = [f"{told} {vectors[k].tobytes().hex()}\n" for told, k in zip(own, indices, strict=True)]
        fingerprint[key] = split_fingerprint(len(indices), (content.encode() for content in own))
    return ImageData(
        name,
        everything.shape[1:],
        levels,
        f"none ({levels} levels)" if levels > 2 else "none (binary already)",
        splits,
        fingerprint=fingerprint,
        notes=(*notes, note),
        classes=classes,
        vector_range=vector_range,
    )


def _check_classes(name: str, parts: dict[str, Part], classes: Sequence[str], labels: np.ndarray) -> None:
    """Check that train has every class of the other splits.

    Raises:
        ValueError: if it lacks one.
    """
    for key, (_, indices) in parts.items():
        lacking = np.setdiff1d(labels[indices], labels[parts["train"][1]])
        if lacking.size:
            raise ValueError(f"{name}: {key} has the class {classes[lacking[0]]}, which train lacks.")


class _Conditions(NamedTuple):
    """Labels or vectors of images, as `from_arrays` takes them."""

    labels: ArrayLike | Mapping[str, ArrayLike] | None
    class_names: Sequence[str] | np.ndarray | None
    vectors: ArrayLike | Mapping[str, ArrayLike] | None
    vector_range: ArrayLike | None


def _checked_images(title: str, images: ArrayLike) -> np.ndarray:
    array = np.asarray(images)
    if array.dtype != bool and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{title} must be integer levels, got {array.dtype}. Convert floats in [0, 1] with "
            "np.round(255 * images).astype('uint8')."
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or not array.size:
        raise ValueError(
            f"{title} must have the shape (number, height, width) or (number, height, width, channels), without zeros; "
            f"got {np.shape(images)}."
        )
    return array


def _checked_labels(
    name: str,
    labels: ArrayLike | Mapping[str, ArrayLike] | None,
    sizes: dict[str, int],
    class_names: Sequence[str] | np.ndarray | None,
) -> tuple[tuple[str, ...], np.ndarray | None]:
    """Names of the classes, and labels of all images as int32."""
    if labels is None:
        return (), None
    given = np.array([] if class_names is None else class_names).astype(str)
    if given.ndim != 1:
        raise ValueError(f"{name}: class_names must be a list of strings, one per class; got {class_names!r}.")
    together = np.concatenate([_flat_labels(name, array) for array in _by_split(name, "labels", labels, sizes)])
    if together.dtype.kind in "US":
        text = together.astype(str)
        names = given.tolist() or sorted_names(set(text.tolist()))
        if unknown := sorted(set(text.tolist()) - set(names)):
            raise ValueError(f"{name}: the label {unknown[0]!r} is not in class_names ({', '.join(names)}).")
        return tuple(names), np.array([names.index(label) for label in text.tolist()], "int32")
    if not np.issubdtype(together.dtype, np.integer):
        raise ValueError(f"{name}: labels must be integers or strings, got {together.dtype}.")
    names = given.tolist() or list(map(str, range(int(together.max()) + 1)))
    if together.min() < 0 or together.max() >= len(names):
        wrong = int(together.min() if together.min() < 0 else together.max())
        raise ValueError(f"{name}: labels must be from 0 to {len(names) - 1}, one per class; got {wrong}.")
    return tuple(names), together.astype("int32")


def _flat_labels(name: str, labels: np.ndarray) -> np.ndarray:
    """Labels of one split, `(number,)`; Keras's data sets have `(number, 1)`."""
    if labels.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"{name}: labels must have the shape (number,); got {labels.shape}: pass np.argmax(labels, -1) for one-hot "
            "labels."
        )
    return labels.reshape(-1)


def _by_split(
    name: str, kind: str, values: ArrayLike | Mapping[str, ArrayLike], sizes: dict[str, int]
) -> list[np.ndarray]:
    """Labels or vectors as one array per split, in the order of `sizes`."""
    by_split = dict(values) if isinstance(values, Mapping) else {next(iter(sizes)): values}
    if set(by_split) != set(sizes):
        given, needed = (" and ".join(key or "images" for key in keys) or "none" for keys in (by_split, sizes))
        raise ValueError(f"{name}: {kind} are required for {needed}; got those for {given}.")
    arrays = {key: np.asarray(by_split[key]) for key in sizes}
    for key, array in arrays.items():
        if array.shape[:1] != (sizes[key],):
            raise ValueError(
                f"{name}: {key or 'images'} has {sizes[key]} images but {len(np.atleast_1d(array))} {kind}."
            )
    return list(arrays.values())


def _checked_vectors(
    name: str,
    vectors: ArrayLike | Mapping[str, ArrayLike] | None,
    sizes: dict[str, int],
    vector_range: ArrayLike | None,
) -> tuple[np.ndarray | None, tuple[tuple[float, ...], tuple[float, ...]] | None]:
    """Vectors of all images as float32, and the range of each number."""
    if vectors is None:
        return None, None
    arrays = _by_split(name, "vectors", vectors, sizes)
    if len({array.shape[1:] for array in arrays}) > 1 or arrays[0].ndim != 2 or not arrays[0].shape[1]:
        raise ValueError(f"{name}: vectors must have the shape (number, numbers); got {arrays[0].shape}.")
    together = np.concatenate(arrays)
    if together.dtype.kind not in "fiu" or not np.isfinite(together).all():
        raise ValueError(f"{name}: vectors must be finite numbers, got {together.dtype}.")
    together = together.astype("float32")
    low, high = together.min(axis=0), together.max(axis=0)
    if vector_range is not None:
        given = np.asarray(vector_range, "float32")
        if given.shape != (2, together.shape[1]) or not np.all((given[0] <= low) & (high <= given[1])):
            raise ValueError(
                f"{name}: vector_range must hold the smallest and the largest valid value of each number, at least "
                f"{low.tolist()} to {high.tolist()}; got {given.tolist()}."
            )
        low, high = given
    if not np.all(low < high):
        raise ValueError(f"{name}: number {int(np.argmin(low < high))} is the same in all vectors: leave it out.")
    return together, (tuple(low.tolist()), tuple(high.tolist()))


def _parts(name: str, sizes: dict[str, int], digests: list[str], whole: bool) -> tuple[dict[str, Part], list[str]]:
    """Splits as indices of all images, and notes."""
    ends = np.cumsum(list(sizes.values())).tolist()
    indices = {key: list(range(end - size, end)) for (key, size), end in zip(sizes.items(), ends, strict=True)}
    if whole:
        return {"all": ("all images", list(range(len(digests))))}, []
    if "" in sizes:
        return cut("images", indices[""], digests, ["validation", "test"], f"{name}: image 0")
    parts: dict[str, Part] = {key: (key, own) for key, own in indices.items()}
    if "validation" in sizes:
        return parts, []
    of_train, notes = cut("train, images", indices["train"], digests, ["validation"], f"{name}: image 0")
    return {**of_train, **{key: part for key, part in parts.items() if key not in of_train}}, notes
