"""Numbered version folders of TensorFlow Serving: `BASE/NAME/1`, `BASE/NAME/2`, ..."""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterable, Iterator

from pixelrnn_tf.files import temporary_folder

# Card of the model, inside the folder of a version.
CARD_FILE = pathlib.Path("assets.extra") / "model.json"

# Names that can be part of a URL.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

# The server stores a version as a signed 64-bit integer.
LARGEST_VERSION = 2**63 - 1


def version_folders(model_dir: str | os.PathLike) -> dict[int, pathlib.Path]:
    """List the folders of a model's versions, in the order of their numbers.

    Like the server, this reads `00000001` as 1 and skips other names. If two folders have the same number, the server
    uses either; this function uses the shorter name.
    """
    model_dir = pathlib.Path(model_dir)
    paths = list(model_dir.iterdir()) if model_dir.is_dir() else []
    paths = [path for path in paths if path.name.isascii() and path.name.isdigit()]
    numbered = sorted(((int(path.name), path) for path in paths), key=lambda item: (item[0], -len(item[1].name)))
    return {number: path for number, path in numbered if number <= LARGEST_VERSION}


def version_dir(path: str | os.PathLike) -> pathlib.Path:
    """Find the folder of a SavedModel: `path` itself, or the newest version in it.

    Raises:
        ValueError: if there is no SavedModel.
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").is_file():
        return path
    found = [folder for folder in version_folders(path).values() if (folder / "saved_model.pb").is_file()]
    if not found:
        raise ValueError(f"There is no SavedModel in {path}. Pass BASE/NAME/VERSION or BASE/NAME.")
    return found[-1]


def check_names(names: Iterable[str]) -> None:
    """Check that names of models can be part of a URL.

    Raises:
        ValueError: if one cannot.
    """
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"Names of models must consist of letters, digits and _ . -; got {', '.join(wrong)}.")


def check_model_dir(model_dir: pathlib.Path) -> None:
    """Check that a folder can hold the versions of a model with its name.

    Raises:
        ValueError: if it is a file, or its name cannot be part of a URL.
    """
    check_names([model_dir.resolve().name])
    if model_dir.exists() and not model_dir.is_dir():
        raise ValueError(f"{model_dir} is a file; pass a folder for the versions of the model.")


@contextlib.contextmanager
def unpublished(model_dir: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Make a hidden folder for a new version, which the server ignores.

    Unless the block publishes it, it is removed at the end of the block, or by the next export if this process is
    killed.

    Raises:
        ValueError: see `check_model_dir`.
    """
    model_dir = pathlib.Path(model_dir)
    check_model_dir(model_dir)
    model_dir.mkdir(parents=True, exist_ok=True)
    with temporary_folder(model_dir, ".export-") as folder:
        yield folder


def publish(folder: pathlib.Path) -> pathlib.Path:
    """Rename a complete folder to the next version, so that a watching server never loads an incomplete model.

    Returns:
        its new path. Concurrent exports get different numbers.
    """
    number = max(version_folders(folder.parent), default=0) + 1
    while True:
        target = folder.with_name(str(number))
        try:
            return folder.rename(target)
        except OSError:
            # Another export took the number: a non-empty folder is never replaced.
            if not target.exists():
                raise
            number += 1
