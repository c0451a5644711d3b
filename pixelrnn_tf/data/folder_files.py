"""Picture files of a folder, and their splits."""

import collections
import dataclasses
import os
import pathlib

import numpy as np

from pixelrnn_tf.data.classes import sorted_names
from pixelrnn_tf.data.split_names import SPLIT_NAMES, by_split, split_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


@dataclasses.dataclass
class FolderFiles:
    """The picture files of a folder.

    Attributes:
        parts: for every split that has its own folder, the name of that folder and its sorted files; otherwise the same
            for the full folder under the key "".
        others: number of skipped files of other kinds, by suffix.
        repeated: skipped links to folders that were already read or that contain the link.
    """

    parts: dict[str, tuple[str, list[str]]] = dataclasses.field(default_factory=dict)
    others: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    repeated: list[str] = dataclasses.field(default_factory=list)

    def notes(self) -> list[str]:
        """Describe the skipped files, one line per kind."""
        notes = []
        if self.repeated:
            number = f"{len(self.repeated)} links to folders that were already read or contain the link"
            notes.append(f"skipped {number}, such as {self.repeated[0]}")
        if self.others:
            kinds = ", ".join(f"{suffix or 'no suffix'} {count}" for suffix, count in self.others.most_common(5))
            notes.append(f"skipped {self.others.total()} files of other kinds ({kinds})")
        return notes


def find_files(root: pathlib.Path) -> FolderFiles:
    """Find the picture files in a folder, and its splits.

    Sibling folders for training, validation and test, named as in `SPLIT_NAMES` (case-insensitive), are the splits.
    Files and folders whose names begin with a dot are skipped at any depth. Links are followed, but a folder that was
    already read, or that contains the link, is skipped and noted, so links cannot form a loop.

    Raises:
        ValueError: if two folders name the same split, pictures next to train/ belong to no split, splits lie deeper
            than in the folder itself, or a link is broken.
        OSError: if a folder cannot be read.
    """
    found = FolderFiles()
    entries = _visible(root)
    names = by_split([entry.name for entry in entries if entry.is_dir()], str(root))
    if names and "train" not in names:
        raise ValueError(
            f"{root} has {' and '.join(f'{name}/' for name in names.values())}, but no train/. Name the training "
            f"folder {' or '.join(SPLIT_NAMES['train'])}, or pass the path of the one folder to use."
        )
    if names:
        _check_beside(root, names, [entry for entry in entries if entry.name not in names.values()])
    if len(names) < 2:
        found.parts[""] = (root.name, _files(root, found))
    else:
        found.parts = {key: (name, _files(root / name, found)) for key, name in names.items()}
    return found


def find_classes(root: pathlib.Path, found: FolderFiles) -> tuple[tuple[str, ...], np.ndarray]:
    """Find the classes of files that are sorted into one folder per class.

    Args:
        root: the folder.
        found: the files in the folder.

    Returns:
        `(names, labels)`: the names of the classes, in numerical order if all are integers and otherwise
        alphabetically, and the label of every file, int32, in the order of `found.parts`.

    Raises:
        ValueError: if a file is in no class folder, there are fewer than two classes, a split has a class that train
            lacks, or the name of a class is not UTF-8.
    """
    of_split = {key: _class_folders(root / name if key else root, paths) for key, (name, paths) in found.parts.items()}
    names = sorted_names(set(of_split.get("train") or of_split[""]))
    if len(names) < 2 and split_of(names[0]) == "train":
        raise ValueError(
            f"{root} has only {names[0]}/ and no other split, so {names[0]} would be the only class. If it holds the "
            f"folders of the classes, use folder:{root / names[0]}."
        )
    if len(names) < 2:
        raise ValueError(
            f"{root} has only one class, {names[0]}/: put the pictures of each class into a separate folder, or omit "
            "class_conditional."
        )
    for name in names:
        if not name.isascii() and name.encode(errors="ignore").decode() != name:
            raise ValueError(
                f"{root} has a class folder whose name is not UTF-8: {name!r}. Class names are saved with the "
                "model; rename the folder."
            )
    for key, folders in of_split.items():
        unknown = sorted(set(folders) - set(names))
        if unknown:
            raise ValueError(
                f"{root}: {key} has the class {unknown[0]}/, which train lacks (it has {', '.join(names)})."
            )
    numbers = {name: number for number, name in enumerate(names)}
    return tuple(names), np.array([numbers[name] for folders in of_split.values() for name in folders], "int32")


def _class_folders(folder: pathlib.Path, paths: list[str]) -> list[str]:
    """Top-level folder inside `folder` of each file."""
    inside = [pathlib.Path(path).relative_to(folder).parts for path in paths]
    alone = next((parts[0] for parts in inside if len(parts) == 1), None)
    if alone is not None:
        raise ValueError(
            f"{folder / alone} is in no class folder: put the pictures of each class into a separate folder, or omit "
            "class_conditional."
        )
    return [parts[0] for parts in inside]


def _check_beside(root: pathlib.Path, names: dict[str, str], others: list[os.DirEntry[str]]) -> None:
    """Reject pictures next to the folders of the splits: a misspelled name must not silently lose or mix them."""
    for entry in others:
        if _is_picture(entry) or (entry.is_dir() and _files(pathlib.Path(entry.path), FolderFiles())):
            known = "; ".join(f"{key}: {', '.join(accepted)}" for key, accepted in SPLIT_NAMES.items())
            raise ValueError(
                f"{root} has {' and '.join(f'{name}/' for name in names.values())}, and other pictures in "
                f"{entry.name}{'/' if entry.is_dir() else ''}, whose name is not that of a split ({known}). Rename it, "
                "or move it out of the folder."
            )


def _visible(folder: pathlib.Path) -> list[os.DirEntry[str]]:
    """Visible entries of a folder, sorted by name."""
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in visible:
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise ValueError(f"{entry.path} is a broken link to {os.readlink(entry.path)}: repair or remove it.")
    return visible


def _files(folder: pathlib.Path, found: FolderFiles) -> list[str]:
    """List the picture files of a folder and its subfolders, sorted by path; add skipped files to `found`."""
    start = pathlib.Path(os.path.realpath(folder))
    files, waiting, seen = [], [str(folder)], {start, *start.parents}
    while waiting:
        entries = _visible(pathlib.Path(here := waiting.pop()))
        _check_no_deeper_splits(here, entries)
        for entry in entries:
            if entry.is_dir():
                real = pathlib.Path(os.path.realpath(entry.path))
                if real in seen:
                    found.repeated.append(entry.path)
                else:
                    seen.add(real)
                    waiting.append(entry.path)
            elif _is_picture(entry):
                files.append(entry.path)
            else:
                found.others[pathlib.PurePath(entry.name).suffix.lower()] += 1
    return sorted(files)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    return pathlib.PurePath(entry.name).suffix.lower() in SUFFIXES and entry.is_file()


def _check_no_deeper_splits(folder: str, entries: list[os.DirEntry[str]]) -> None:
    """Reject a subfolder that has its own train/ and, for example, val/, which would be mixed."""
    kinds = {split_of(entry.name): entry.name for entry in entries if entry.is_dir()}
    kinds.pop(None, None)
    if "train" in kinds and len(kinds) > 1:
        raise ValueError(
            f"{folder} has its own splits ({', '.join(f'{name}/' for name in kinds.values())}), which would be "
            f"mixed: use folder:{folder}, or merge all splits into one train/, val/ and test/."
        )
