"""Which files of a folder are pictures, and to which split they belong."""

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
        parts: for every split that has a folder of its own the name of that folder and the files in it, sorted;
            for a folder without such the same under the key "".
        others: how many files of other kinds were left out, by suffix.
        repeated: links to folders that were left out, since those are read already or hold the link.
    """

    parts: dict[str, tuple[str, list[str]]] = dataclasses.field(default_factory=dict)
    others: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    repeated: list[str] = dataclasses.field(default_factory=list)

    def notes(self) -> list[str]:
        """What was left out, a line for each kind."""
        notes = []
        if self.repeated:
            number = f"{len(self.repeated)} folders that are reached by links and read already, or hold the link"
            notes.append(f"left out {number}, such as {self.repeated[0]}")
        if self.others:
            kinds = ", ".join(f"{suffix or 'no suffix'} {count}" for suffix, count in self.others.most_common(5))
            notes.append(f"left out {self.others.total()} files of other kinds ({kinds})")
        return notes


def find_files(root: pathlib.Path) -> FolderFiles:
    """Find the picture files in a folder, and its splits.

    Folders for training, validation and test beside each other, by any of `SPLIT_NAMES` in capitals or not, are the
    splits. What begins with a dot is hidden and left out, at any depth. Links are followed; a folder that is reached
    a second time, or that the link lies in, is left out and noted, so no link leads round and round.

    Raises:
        ValueError: if two folders mean the same split, pictures lie beside train/ where they would be in no split,
            splits lie deeper than in the folder itself, or a link leads nowhere.
        OSError: if a folder cannot be read.
    """
    found = FolderFiles()
    entries = _visible(root)
    names = by_split([entry.name for entry in entries if entry.is_dir()], str(root))
    if names and "train" not in names:
        raise ValueError(
            f"{root} has {' and '.join(f'{name}/' for name in names.values())}, but no train/. Name the folder to "
            f"train on {' or '.join(SPLIT_NAMES['train'])}, or give the path of the one folder to use."
        )
    if names:
        _check_beside(root, names, [entry for entry in entries if entry.name not in names.values()])
    if len(names) < 2:
        found.parts[""] = (root.name, _files(root, found))
    else:
        found.parts = {key: (name, _files(root / name, found)) for key, name in names.items()}
    return found


def find_classes(root: pathlib.Path, found: FolderFiles) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes of files that lie in a folder for each class.

    Args:
        root: the folder.
        found: the files in it.

    Returns:
        `(names, labels)`: the names of the classes, in numerical order if all are whole numbers and otherwise
        alphabetically, and the label of every file, int32, in the order of `found.parts`.

    Raises:
        ValueError: if a file lies in no folder of a class, there are fewer than two classes, a split has a class
            that train has not, or the name of a class is not UTF-8.
    """
    of_split = {key: _class_folders(root / name if key else root, paths) for key, (name, paths) in found.parts.items()}
    names = sorted_names(set(of_split.get("train") or of_split[""]))
    if len(names) < 2:
        raise ValueError(
            f"{root} has one class only, {names[0]}/: put the pictures of each class into a folder of its own, or "
            "leave out class_conditional."
        )
    for name in names:
        if not name.isascii() and name.encode(errors="ignore").decode() != name:
            raise ValueError(
                f"{root} has a folder of a class whose name is not UTF-8: {name!r}. Class names are saved with the "
                "model; rename the folder."
            )
    for key, folders in of_split.items():
        unknown = sorted(set(folders) - set(names))
        if unknown:
            raise ValueError(
                f"{root}: {key} has the class {unknown[0]}/, which train has not (it has {', '.join(names)})."
            )
    numbers = {name: number for number, name in enumerate(names)}
    return tuple(names), np.array([numbers[name] for folders in of_split.values() for name in folders], "int32")


def _class_folders(folder: pathlib.Path, paths: list[str]) -> list[str]:
    """The first folder inside `folder` that each file lies in."""
    inside = [pathlib.Path(path).relative_to(folder).parts for path in paths]
    alone = next((parts[0] for parts in inside if len(parts) == 1), None)
    if alone is not None:
        raise ValueError(
            f"{folder / alone} lies in no folder of a class: put the pictures of each class into a folder of its own, "
            "or leave out class_conditional."
        )
    return [parts[0] for parts in inside]


def _check_beside(root: pathlib.Path, names: dict[str, str], others: list[os.DirEntry[str]]) -> None:
    """Refuse pictures beside the folders of the splits: a name misspelt must not lose or mix them in silence."""
    for entry in others:
        if _is_picture(entry) or (entry.is_dir() and _files(pathlib.Path(entry.path), FolderFiles())):
            known = "; ".join(f"{key}: {', '.join(accepted)}" for key, accepted in SPLIT_NAMES.items())
            raise ValueError(
                f"{root} has {' and '.join(f'{name}/' for name in names.values())}, and pictures beside them in "
                f"{entry.name}{'/' if entry.is_dir() else ''}, whose name is that of no split ({known}). Rename it, or "
                "move it out of the folder."
            )


def _visible(folder: pathlib.Path) -> list[os.DirEntry[str]]:
    """What lies in a folder and is not hidden, sorted by name."""
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in visible:
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise ValueError(
                f"{entry.path} is a link to {os.readlink(entry.path)}, which is not there: mend or remove it."
            )
    return visible


def _files(folder: pathlib.Path, found: FolderFiles) -> list[str]:
    """The picture files of a folder and those in it, sorted by path; what is left out is added to `found`."""
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
    """Refuse to mix what lies in train/ and, say, val/ somewhere inside a folder."""
    kinds = {split_of(entry.name): entry.name for entry in entries if entry.is_dir()}
    kinds.pop(None, None)
    if "train" in kinds and len(kinds) > 1:
        raise ValueError(
            f"{folder} has splits of its own ({', '.join(f'{name}/' for name in kinds.values())}), which would be "
            f"mixed: give folder:{folder}, or put the splits of all into one train/, val/ and test/."
        )
