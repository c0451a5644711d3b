"""Data sets from a folder of images."""

import collections
import itertools
import os
import pathlib

import numpy as np

from pixelrnn_tf.data.fingerprint import split_fingerprint
from pixelrnn_tf.data.folder_files import SUFFIXES, find_classes, find_files
from pixelrnn_tf.data.image_data import ImageData, Split, fits_memory
from pixelrnn_tf.data.levels import range_note
from pixelrnn_tf.data.reading import PictureFile, file_channels, read_files, stream_files
from pixelrnn_tf.data.splitting import Part, cut, keep_classes_in_train
from pixelrnn_tf.typing import ImageShape


def load_folder(
    path: str,
    image_size: tuple[int, int] | None,
    channels: int | None,
    class_conditional: bool = False,
    value_range: tuple[int, int] | None = None,
    whole: bool = False,
) -> ImageData:
    """Load the images in a folder and its subfolders: png, jpg, jpeg, bmp, gif, webp, tif and tiff files.

    A file is read as a viewer shows it, an animation by its first frame (see `decoding.decode_picture`). If the folder
    has `train/` and another folder for validation or test (see `folder_files`), these are the splits, and without a
    validation folder 10 % of the training images are held out. Otherwise 10 % each go to validation and test.

    Files are assigned by the SHA-256 of their contents. If you add, remove, rename or move files, the others stay in
    their splits, and copies of a file share a split. The shares are 10 % on average. If a split of a small folder would
    be empty, it gets the nearest file, and a note says so. If a class would have no file in train, one is moved there.
    Training images, and images split from one folder, are in the order of their SHA-256, since file names are often
    sorted by content.

    Every file is decoded here, to find broken ones before training. Images that fit in `image_data.IN_MEMORY_BYTES`
    together are kept in memory.

    Args:
        path: path of the folder; "~" is the home directory.
        image_size: `(height, width)`: images are center-cropped to this aspect ratio and resized.
        channels: 1 for gray or 3 for color; None to use that of the files, if all agree.
        class_conditional: use the top-level folder of a file (inside its split, if there are splits) as the name of its
            class.
        value_range: see `load`.
        whole: make no splits: all files form the split "all", in the order of their paths; if the folder has splits,
            first those of train, then validation and test.

    Returns:
        the images with 256 levels, and notes on skipped, changed and duplicate files.

    Raises:
        ValueError: without `image_size`; if some files are gray, some in color and `channels` is None; if the folder
            has too few images; if a file cannot be read; or if its splits (see `find_files`) or classes are ambiguous.
        FileNotFoundError: if there is no such folder.
    """
    root = pathlib.Path(os.path.expanduser(path))
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    if image_size is None:
        raise ValueError(f"folder:{path} requires image_size=(height, width), the size of the images.")
    found = find_files(root)
    for key, (name, paths) in found.parts.items():
        least = 1 if whole else 3 if not key else 2 if key == "train" and "validation" not in found.parts else 1
        _check_number(root / name if key else root, paths, least)
    classes, labels = find_classes(root, found) if class_conditional else ((), None)
    paths = list(itertools.chain.from_iterable(paths for _, paths in found.parts.values()))
    shape = (*image_size, channels or file_channels(paths[0]))
    files, images = read_files(paths, shape, fits_memory(len(paths), shape), value_range)
    if channels is None:
        _check_one_kind(root, files)
    cut_notes: list[str] = []
    if whole:
        parts = {"all": ("all files", list(range(len(files))))}
    else:
        parts, cut_notes = _split(found.parts, files)
        if labels is not None:
            cut_notes += keep_classes_in_train(str(root), parts, [file.digest for file in files], classes, labels)
    notes = [*found.notes(), *cut_notes, *_notes(parts, files, channels), *_range_notes(files, value_range)]
    return ImageData(
        f"folder:{path}",
        shape,
        256,
        "none (256 levels)",
        {
            key: _to_split(name, indices, paths, shape, images, labels, value_range)
            for key, (name, indices) in parts.items()
        },
        fingerprint={key: _fingerprint(indices, files, classes, labels) for key, (_, indices) in parts.items()},
        notes=tuple(notes),
        classes=classes,
    )


def _to_split(
    name: str,
    indices: list[int],
    paths: list[str],
    shape: ImageShape,
    images: np.ndarray | None,
    labels: np.ndarray | None,
    value_range: tuple[int, int] | None,
) -> Split:
    own = None if labels is None else labels[indices]
    if images is not None:
        return Split.of_array(name, images[indices], own)
    return Split(name, len(indices), stream_files([paths[k] for k in indices], shape, value_range), labels=own)


def _fingerprint(
    indices: list[int], files: list[PictureFile], classes: tuple[str, ...], labels: np.ndarray | None
) -> str:
    """Fingerprint of a split; with classes, a file that moves to another class counts as another image."""
    contents = [files[k].digest + ("" if labels is None else f" {classes[labels[k]]}\n") for k in indices]
    return split_fingerprint(len(indices), (content.encode() for content in contents))


def _check_number(folder: pathlib.Path, files: list[str], least: int) -> None:
    if len(files) < least:
        raise ValueError(
            f"{folder} has {len(files) or 'no'} images ({', '.join(s[1:] for s in SUFFIXES)}); "
            f"it needs at least {least}."
        )


def _check_one_kind(root: pathlib.Path, files: list[PictureFile]) -> None:
    examples = {file.channels: file.path for file in reversed(files)}
    if len(examples) > 1:
        gray = sum(file.channels == 1 for file in files)
        raise ValueError(
            f"{root} holds {gray} gray images (such as {examples[1]}) and {len(files) - gray} in color (such as "
            f"{examples[3]}): pass channels=1 to make all of them gray, or channels=3 for color."
        )


def _split(found: dict[str, tuple[str, list[str]]], files: list[PictureFile]) -> tuple[dict[str, Part], list[str]]:
    """Split the files; return the splits and notes on them."""
    digests = [file.digest for file in files]
    ends = list(itertools.accumulate(len(paths) for _, paths in found.values()))
    indices = {key: list(range(end - len(found[key][1]), end)) for key, end in zip(found, ends, strict=True)}
    if "" in found:
        return cut("files", indices[""], digests, ["validation", "test"], files[0].path)
    parts = {key: (name, indices[key]) for key, (name, _) in found.items()}
    if "validation" in parts:
        parts["train"] = (parts["train"][0], sorted(indices["train"], key=lambda k: files[k].digest))
        return parts, []
    first = files[indices["train"][0]].path
    of_train, notes = cut(f"{parts['train'][0]}, files", indices["train"], digests, ["validation"], first)
    return {**of_train, **{key: part for key, part in parts.items() if key not in of_train}}, notes


def _range_notes(files: list[PictureFile], value_range: tuple[int, int] | None) -> list[str]:
    """Notes on the range of the values in the files of each bit depth."""
    notes = []
    for largest in sorted({file.largest for file in files}):
        lows, highs = zip(*[file.values for file in files if file.largest == largest], strict=True)
        notes.append(range_note(min(lows), max(highs), largest, value_range, f"{largest.bit_length()}-bit files"))
    return notes


def _notes(parts: dict[str, Part], files: list[PictureFile], channels: int | None) -> list[str]:
    """Notes for the user: inferred channels, changed files and copies."""
    notes = []
    if channels is None:
        notes.append(f"{'gray' if files[0].channels == 1 else 'color'}, like all files")
    if transparent := sum(file.transparent for file in files):
        notes.append(f"{transparent} files are partly transparent: drawn on white")
    if animated := sum(file.animated for file in files):
        notes.append(f"{animated} files are animations: only the first frame is used")
    digests = {key: collections.Counter(files[k].digest for k in indices) for key, (_, indices) in parts.items()}
    for key, counts in digests.items():
        if copies := counts.total() - len(counts):
            notes.append(f"{key}: {copies} files are copies of others in the split")
    for one, other in itertools.combinations(parts, 2):
        shared = [k for k in parts[other][1] if files[k].digest in digests[one]]
        if shared:
            notes.append(
                f"{len(shared)} of the {len(parts[other][1])} files of {other} are also in {one}, such as "
                f"{files[shared[0]].path}: scores on {other} are not on new images only"
            )
    return notes
