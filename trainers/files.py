"""Files that are whole or not there: written beside and renamed into place."""

import contextlib
import json
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
    """Write `value` as indented JSON."""
    with written_beside(path) as beside:
        beside.write_text(json.dumps(value, indent=2) + "\n")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not a JSON file: {error}.") from error


def metrics_in(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a `metrics.jsonl`; none if there is no such file."""
    if not path.exists():
        return []
    # A run that was killed while it wrote leaves half a line at the end.
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


class MetricsFile:
    """`metrics.jsonl`: one JSON object a line, each with its step.

    Args:
        path: the file. What it holds after `last_step` is dropped: a resumed run writes it again.
        last_step: the step the run stands at.
    """

    def __init__(self, path: str | os.PathLike, last_step: int):
        self.path = pathlib.Path(path)
        kept = [line for line in metrics_in(self.path) if line["step"] <= last_step]
        with written_beside(self.path) as beside:
            beside.write_text("".join(json.dumps(line) + "\n" for line in kept))

    def write(self, **values: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(values) + "\n")
