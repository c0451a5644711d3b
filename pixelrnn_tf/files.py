"""Atomic writes of files and folders: written under a temporary name in the same folder, then renamed."""

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

# Number of letters of a name in its temporary name; longer names might exceed the limit of the file system.
KEPT = 40


@contextlib.contextmanager
def written_beside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Make a new, empty file with the same suffix in the same folder, renamed to `path` on success.

    An existing `path` is replaced; of a link, the link and not its target.
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
    """Prefix and suffix of the temporary name of a file; 8 random letters are between."""
    path = pathlib.PurePath(name)
    return f".{path.stem[:KEPT]}.", path.suffix[:KEPT]


@contextlib.contextmanager
def folder_beside(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Make a new, empty folder next to `path`, renamed to it on success.

    `path` must not exist, or be an empty folder. Leftovers of killed processes of this machine are removed.

    Raises:
        OSError: if `path` is not empty by then, or is a mount point.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent, f".{path.name[:KEPT]}.") as beside:
        yield beside
        os.rename(beside, path)


@contextlib.contextmanager
def temporary_folder(parent: pathlib.Path, prefix: str) -> Iterator[pathlib.Path]:
    """Make a folder that is removed at the end unless it was renamed; also removes those of killed processes."""
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
        pass  # It belongs to another user.
    return True


def _umask() -> int:
    """Permissions that new files do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def user_cache() -> pathlib.Path:
    """Return the folder of this package in the user's cache; it may not exist yet."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "pixelrnn_tf"


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write text in UTF-8, whatever the locale."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON; see `to_json`."""
    write_text(path, to_json(value, indent=2) + "\n")


def to_json(value: Any, indent: int | None = None) -> str:
    """Convert `value` to JSON; non-finite numbers, which JSON lacks, become null."""
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
        ValueError: if it is not JSON, not a regular file, or too large.
        OSError: if it cannot be read.
    """
    try:
        return json.loads(read_text(path, most))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {str(error).splitlines()[0]}.") from error
