"""Files that are whole or not there: written beside and renamed into place."""

import contextlib
import json
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def written_beside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A temporary path with the same ending in the same folder, renamed to `path` if nothing goes wrong."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, as `to_json` makes it."""
    with written_beside(path) as beside:
        beside.write_text(to_json(value, indent=2) + "\n")


def to_json(value: Any, indent: int | None = None) -> str:
    """`value` as JSON, which has no numbers that are not finite: they become null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {str(error).splitlines()[0]}.") from error
