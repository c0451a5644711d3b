"""Find the PNG files of a flag such as --images: files, folders and shell wildcards."""

import glob
import os
import pathlib
from collections.abc import Iterable

Given = str | os.PathLike[str]


def find_images(given: Iterable[Given]) -> list[pathlib.Path]:
    """Find the given PNG files, in order.

    Args:
        given: items that are a file; a folder, for the .png files in it, by name; a pattern with the wildcards `*`, `?`
            and `[...]`, for the matching .png files, by name; or several of these, separated by commas. An existing
            file or folder is used even if its name has commas or wildcards.

    Raises:
        ValueError: if there is no such file, a folder has no .png files, or nothing is given.
    """
    found: list[pathlib.Path] = []
    for item in given:
        found += _of_item(os.fspath(item))
    if not found:
        raise ValueError("--images must be PNG files, got none.")
    return found


def _of_item(item: str) -> list[pathlib.Path]:
    parts, found = item.split(","), []
    while parts:
        # Try the longest name first: a name may have commas.
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
            raise ValueError(f"--images must be PNG files, but there is no file {parts[0]!r}.")
    return found


def _of_name(name: str) -> list[pathlib.Path]:
    if not name:
        return []
    path = pathlib.Path(os.path.expanduser(name))
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_png(file))
        if not files:
            raise ValueError(f"--images must be PNG files, but there are none in the folder {path}.")
        return files
    if path.exists():
        return [path]
    return sorted(pathlib.Path(file) for file in glob.glob(str(path)) if _is_png(pathlib.Path(file)))


def _is_png(path: pathlib.Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".") and path.is_file()
