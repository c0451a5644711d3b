"""The PNG files that a flag such as --images gives: files, folders and wildcards of the shell."""

import glob
import os
import pathlib
from collections.abc import Iterable

Given = str | os.PathLike[str]


def find_images(given: Iterable[Given]) -> list[pathlib.Path]:
    """The PNG files given, in order.

    Args:
        given: of each item a file; a folder, which stands for the .png files in it, by name; a pattern with the
            wildcards `*`, `?` and `[...]`, which stands for the .png files that fit, by name; or several of these,
            separated by commas. A file or folder that is there is meant even if its name has commas or wildcards.

    Raises:
        ValueError: if there is no such file, a folder has no .png files, or nothing is given.
    """
    found: list[pathlib.Path] = []
    for item in given:
        found += _of_item(os.fspath(item))
    if not found:
        raise ValueError("--images must be PNG files; none is given.")
    return found


def _of_item(item: str) -> list[pathlib.Path]:
    parts, found = item.split(","), []
    while parts:
        # The most parts that together are the name of something: a name may have commas.
        for end in range(len(parts), 0, -1):
            paths = _of_name(",".join(parts[:end]).strip()) or _of_name(",".join(parts[:end]))
            if paths:
                found += paths
                parts = parts[end:]
                break
        else:
            if not parts[0].strip():
                parts = parts[1:]
                continue
            raise ValueError(f"--images must be PNG files; there is no file {parts[0]!r}.")
    return found


def _of_name(name: str) -> list[pathlib.Path]:
    if not name:
        return []
    path = pathlib.Path(os.path.expanduser(name))
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_png(file))
        if not files:
            raise ValueError(f"--images must be PNG files; there are none in the folder {path}.")
        return files
    if path.exists():
        return [path]
    return sorted(pathlib.Path(file) for file in glob.glob(str(path)) if _is_png(pathlib.Path(file)))


def _is_png(path: pathlib.Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".") and path.is_file()
