"""The numbered folders in which TensorFlow Serving looks for a model: `BASE/NAME/1`, `BASE/NAME/2`, ..."""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterable, Iterator

from pixelrnn_tf.files import temporary_folder

# What is known of the model, inside the folder of a version.
CARD_FILE = pathlib.Path("assets.extra") / "model.json"

# What goes into the address of a model.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

# The server holds a version in 64 bits with a sign.
LARGEST_VERSION = 2**63 - 1


def version_folders(model_dir: str | os.PathLike) -> dict[int, pathlib.Path]:
    """The folders of a model's versions, in the order of their numbers.

    As the server does, this reads `00000001` as 1 and passes other names over. Of two folders with one number the
    server takes either; here it is the shorter name.
    """
    model_dir = pathlib.Path(model_dir)
    paths = list(model_dir.iterdir()) if model_dir.is_dir() else []
    paths = [path for path in paths if path.name.isascii() and path.name.isdigit()]
    numbered = sorted(((int(path.name), path) for path in paths), key=lambda item: (item[0], -len(item[1].name)))
    return {number: path for number, path in numbered if number <= LARGEST_VERSION}


def version_dir(path: str | os.PathLike) -> pathlib.Path:
    """The folder of a SavedModel: `path` itself, or the newest version in it.

    Raises:
        ValueError: if it is neither.
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").is_file():
        return path
    found = [folder for folder in version_folders(path).values() if (folder / "saved_model.pb").is_file()]
    if not found:
        raise ValueError(f"There is no SavedModel in {path}. Give the folder of one, BASE/NAME/VERSION or BASE/NAME.")
    return found[-1]


def check_names(names: Iterable[str]) -> None:
    """Check that models can be asked for by their names.

    Raises:
        ValueError: if one does not go into an address.
    """
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"Names of models must consist of letters, digits and _ . -; got {', '.join(wrong)}.")


def check_model_dir(model_dir: pathlib.Path) -> None:
    """Check that a folder can hold the versions of a model that is called as the folder is.

    Raises:
        ValueError: if it is a file, or the name does not go into an address.
    """
    check_names([model_dir.resolve().name])
    if model_dir.exists() and not model_dir.is_dir():
        raise ValueError(f"{model_dir} is a file; give a folder for the versions of the model.")


@contextlib.contextmanager
def unpublished(model_dir: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A new hidden folder to fill beside the versions, which the server passes over.

    Unless the block publishes it, it is removed when the block ends, and by the next export if this process is killed.

    Raises:
        ValueError: as `check_model_dir`.
    """
    model_dir = pathlib.Path(model_dir)
    check_model_dir(model_dir)
    model_dir.mkdir(parents=True, exist_ok=True)
    with temporary_folder(model_dir, ".export-") as folder:
        yield folder


def publish(folder: pathlib.Path) -> pathlib.Path:
    """Rename a filled folder to the next version, so that a server that is watching never loads half a model.

    Returns:
        its new path. Exports at the same time get different numbers.
    """
    number = max(version_folders(folder.parent), default=0) + 1
    while True:
        target = folder.with_name(str(number))
        try:
            return folder.rename(target)
        except OSError:
            # Another export took the number meanwhile: a folder that is not empty is never replaced.
            if not target.exists():
                raise
            number += 1
