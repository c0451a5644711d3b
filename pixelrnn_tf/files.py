"""Atomic writes of files and folders: filled under a temporary name beside their own, and renamed into place."""

import contextlib
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

from pixelrnn_tf.regular_files import MOST_TEXT, read_text

# Letters of a name that its temporary name keeps; with all of them it could be longer than a file system allows.
KEPT = 40


@contextlib.contextmanager
def written_beside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A new, empty file with the same ending in the same folder, renamed to `path` if nothing goes wrong.

    Whatever is at `path` is replaced: of a link the link, not the file that it leads to.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix, suffix = temporary_name(path.name)
    descriptor, name = tempfile.mkstemp(suffix, prefix, path.parent)
    os.close(descriptor)
    beside = pathlib.Path(name)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def temporary_name(name: str) -> tuple[str, str]:
    """What the temporary name of a file begins and ends with; 8 random letters are between."""
    path = pathlib.PurePath(name)
    return f".{path.stem[:KEPT]}.", path.suffix[:KEPT]


@contextlib.contextmanager
def folder_beside(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A new, empty folder beside `path`, renamed to it at once if nothing goes wrong.

    `path` must not exist, or be an empty folder. What earlier processes of this machine that were killed left under
    such a name is removed.

    Raises:
        OSError: if `path` is there and not empty by then, or is a mount point.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent, f".{path.name[:KEPT]}.") as beside:
        yield beside
        os.rename(beside, path)


@contextlib.contextmanager
def temporary_folder(parent: pathlib.Path, prefix: str) -> Iterator[pathlib.Path]:
    """A new folder that is removed in the end unless it was renamed; removes those of processes that were killed."""
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    for left in parent.iterdir():
        found = re.fullmatch(rf"{re.escape(prefix)}{machine}-(\d+)\..{{8}}", left.name)
        if found and not _is_running(int(found[1])) and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{prefix}{machine}-{os.getpid()}.", dir=parent))
    try:
        folder.chmod(0o777 & ~_umask())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # It is of somebody else.
    return True


def _umask() -> int:
    """The permissions that new files do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text in UTF-8, whatever the locale."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, as `to_json` makes it."""
    write_text(path, to_json(value, indent=2) + "\n")


def to_json(value: Any, indent: int | None = None) -> str:
    """`value` as JSON, which has no numbers that are not finite: they become null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: str | os.PathLike, most: int = MOST_TEXT) -> Any:
    """Read a JSON file.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ValueError: if it is not JSON, not a regular file, or larger.
        OSError: if it cannot be read.
    """
    try:
        return json.loads(read_text(path, most))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {str(error).splitlines()[0]}.") from error
