"""The numbered folders in which TensorFlow Serving looks for a model: `BASE/NAME/1`, `BASE/NAME/2`, ..."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator


def versions(model_dir: str | os.PathLike) -> list[int]:
    """The versions in a model's folder, in order. Other names are passed over, as the server does."""
    model_dir = pathlib.Path(model_dir)
    names = [path.name for path in model_dir.iterdir()] if model_dir.is_dir() else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def version_dir(path: str | os.PathLike) -> pathlib.Path:
    """The folder of a SavedModel: `path` itself, or the newest version in it.

    Raises:
        ValueError: if it is neither.
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").is_file():
        return path
    found = [number for number in versions(path) if (path / str(number) / "saved_model.pb").is_file()]
    if not found:
        raise ValueError(f"There is no SavedModel in {path}. Give the folder of one, BASE/NAME/VERSION or BASE/NAME.")
    return path / str(found[-1])


@contextlib.contextmanager
def unpublished(model_dir: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A new hidden folder to fill beside the versions, which the server passes over.

    Unless the block publishes it, it is removed when the block ends.

    Raises:
        ValueError: if `model_dir` is a file.
    """
    model_dir = pathlib.Path(model_dir)
    if model_dir.exists() and not model_dir.is_dir():
        raise ValueError(f"{model_dir} is a file; give a folder for the versions of the model.")
    model_dir.mkdir(parents=True, exist_ok=True)
    folder = model_dir / f".export-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: pathlib.Path) -> pathlib.Path:
    """Rename a filled folder to the next version, so that a server that is watching never loads half a model.

    Returns:
        its new path. Exports at the same time get different numbers.
    """
    number = max(versions(folder.parent), default=0) + 1
    while True:
        target = folder.with_name(str(number))
        try:
            return folder.rename(target)
        except OSError:
            # Another export took the number meanwhile: a folder that is not empty is never replaced.
            if not target.exists():
                raise
            number += 1
