"""A folder of one's own images."""

import collections
import itertools
import pathlib

import numpy as np

from pixelrnn_tf.data.fingerprint import split_fingerprint
from pixelrnn_tf.data.folder_files import SUFFIXES, find_classes, find_files
from pixelrnn_tf.data.image_data import ImageData, Split, fits_memory
from pixelrnn_tf.data.reading import PictureFile, file_channels, read_files, stream_files
from pixelrnn_tf.typing import ImageShape

# The share of images that become validation, and as much again test, where a folder does not say.
SHARE = 0.1

# The name of a split, and its files in order as indices of all files.
Part = tuple[str, list[int]]


def load_folder(
    path: str, image_size: tuple[int, int] | None, channels: int | None, class_conditional: bool = False
) -> ImageData:
    """The images in a folder and the folders in it: png, jpg, jpeg, bmp, gif and webp files.

    A file is read as a viewer shows it, an animation by its first frame (see `decoding.decode_picture`). If the
    folder holds `train/` and also one for validation or test (see `folder_files`), these are the splits, and a missing
    validation is a tenth of train. Otherwise a tenth each of all images is validation and test.

    Which images those are is a function of each file's contents alone, its SHA-256: a folder that gains or loses
    files keeps every other file in its split, wherever it is moved and whatever it is called, and copies of a file
    never fall into two splits. So a tenth is a tenth on average; in a folder so small that a split would be empty
    the nearest file becomes it, and a note says so. The images of train, and all that are cut from one folder, are in
    the order of their SHA-256: sorted files are often sorted by what they show.

    Every file is decoded here, so that a broken one is known before the training starts; those of images that
    fit in `image_data.IN_MEMORY_BYTES` all together are not read again.

    Args:
        path: of the folder; "~" is the home directory.
        image_size: `(height, width)`: images are cropped to this aspect ratio about their middle, and resized.
        channels: 1 for grey or 3 for colour; None for what all files are.
        class_conditional: the first folder that a file lies in, inside that of its split if there is one, is the name
            of its class.

    Returns:
        the images with 256 levels, and notes on what was left out, changed or found twice.

    Raises:
        ValueError: without `image_size`, if some files are grey and some in colour and `channels` is None, if the
            folder has too few images, one cannot be read, or its splits (see `find_files`) or classes are unclear.
        FileNotFoundError: if there is no such folder.
    """
    root = pathlib.Path(path).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    if image_size is None:
        raise ValueError(f"folder:{path} needs image_size=(height, width), to which its images are resized.")
    found = find_files(root)
    for key, (name, paths) in found.parts.items():
        least = 3 if not key else 2 if key == "train" and "validation" not in found.parts else 1
        _check_number(root / name if key else root, paths, least)
    classes, labels = find_classes(root, found) if class_conditional else ((), None)
    paths = list(itertools.chain.from_iterable(paths for _, paths in found.parts.values()))
    shape = (*image_size, channels or file_channels(paths[0]))
    files, images = read_files(paths, shape, keep=fits_memory(len(paths), shape))
    if channels is None:
        _check_one_kind(root, files)
    parts, cut_notes = _split(found.parts, files)
    notes = [*found.notes(), *cut_notes, *_notes(parts, files, channels)]
    return ImageData(
        f"folder:{path}",
        shape,
        256,
        "none (256 levels)",
        {key: _to_split(name, indices, paths, shape, images, labels) for key, (name, indices) in parts.items()},
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
) -> Split:
    own = None if labels is None else labels[indices]
    if images is not None:
        return Split.of_array(name, images[indices], own)
    return Split(name, len(indices), stream_files([paths[k] for k in indices], shape), labels=own)


def _fingerprint(
    indices: list[int], files: list[PictureFile], classes: tuple[str, ...], labels: np.ndarray | None
) -> str:
    """What a split holds; with classes, a file that moves to another one is another image."""
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
        grey = sum(file.channels == 1 for file in files)
        raise ValueError(
            f"{root} holds {grey} grey images (such as {examples[1]}) and {len(files) - grey} in colour (such as "
            f"{examples[3]}): give channels=1 to make all of them grey, or channels=3 for colour."
        )


def _split(found: dict[str, tuple[str, list[str]]], files: list[PictureFile]) -> tuple[dict[str, Part], list[str]]:
    """The splits, and notes on them."""
    ends = list(itertools.accumulate(len(paths) for _, paths in found.values()))
    indices = {key: list(range(end - len(found[key][1]), end)) for key, end in zip(found, ends, strict=True)}
    if "" in found:
        return _cut("", indices[""], files, ["validation", "test"])
    parts = {key: (name, indices[key]) for key, (name, _) in found.items()}
    if "validation" in parts:
        parts["train"] = (parts["train"][0], sorted(indices["train"], key=lambda k: files[k].digest))
        return parts, []
    cut, notes = _cut(f"{parts['train'][0]}, ", indices["train"], files, ["validation"])
    return {**cut, **{key: part for key, part in parts.items() if key not in cut}}, notes


def _cut(
    prefix: str, indices: list[int], files: list[PictureFile], keys: list[str]
) -> tuple[dict[str, Part], list[str]]:
    """Train, and a share of the files for every other key, by their contents alone; and notes."""
    copies: dict[str, list[int]] = collections.defaultdict(list)
    for k in sorted(indices, key=lambda k: files[k].digest):
        copies[files[k].digest].append(k)
    # Where in [0, 1) a file lies: the first 48 bits of its digest.
    places = [int(digest[:12], 16) / 2**48 for digest in copies]
    if len(places) <= len(keys):
        raise ValueError(
            f"{files[indices[0]].path} and the other {len(indices) - 1} images are {len(places)} different ones; "
            f"train, {' and '.join(keys)} need one each at least."
        )
    groups, start = list(copies.values()), 0
    parts: dict[str, Part] = {}
    notes: list[str] = []
    for number, key in enumerate(keys):
        bounds = f"[{SHARE * number:.1g}, {SHARE * (number + 1):.1g})"
        share_end = int(np.searchsorted(places, SHARE * (number + 1)))
        # At least one, and at least one for each of those to come.
        end = min(max(share_end, start + 1), len(groups) - len(keys) + number)
        if end != share_end:
            notes.append(f"{key}: by the nearest files, since too few or too many have a SHA-256 in {bounds}")
        parts[key] = (f"{prefix}files of SHA-256 in {bounds}", list(itertools.chain(*groups[start:end])))
        start = end
    rest = f"{prefix}files of SHA-256 in [{SHARE * len(keys):.1g}, 1)"
    return {"train": (rest, list(itertools.chain(*groups[start:]))), **parts}, notes


def _notes(parts: dict[str, Part], files: list[PictureFile], channels: int | None) -> list[str]:
    """What a user should know of the files: their kind if it was not given, what was changed, and copies."""
    notes = []
    if channels is None:
        notes.append(f"{'grey' if files[0].channels == 1 else 'colour'}, as all files are")
    if transparent := sum(file.transparent for file in files):
        notes.append(f"{transparent} files are transparent in places: they lie on white")
    if animated := sum(file.animated for file in files):
        notes.append(f"{animated} files are animations: the first frame counts")
    digests = {key: collections.Counter(files[k].digest for k in indices) for key, (_, indices) in parts.items()}
    for key, counts in digests.items():
        if copies := counts.total() - len(counts):
            notes.append(f"{key}: {copies} files are copies of others in it")
    for one, other in itertools.combinations(parts, 2):
        shared = [k for k in parts[other][1] if files[k].digest in digests[one]]
        if shared:
            notes.append(
                f"{len(shared)} of the {len(parts[other][1])} files of {other} are in {one} too, such as "
                f"{files[shared[0]].path}: scores on {other} count them as new"
            )
    return notes
