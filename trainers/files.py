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


class MetricsFile:
    """`metrics.jsonl`: one JSON object a line, each with its step.

    Args:
        path: the file. What it holds after `last_step` is dropped: a resumed run writes it again.
        last_step: the step the run stands at.
    """

    def __init__(self, path: str | os.PathLike, last_step: int):
        self.path = pathlib.Path(path)
        kept = [line for line in self._lines() if json.loads(line)["step"] <= last_step]
        with written_beside(self.path) as beside:
            beside.write_text("".join(line + "\n" for line in kept))

    def _lines(self) -> list[str]:
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines()
        # A run that was killed while it wrote leaves half a line at the end.
        return [line for line in lines if line.endswith("}")]

    def write(self, **values: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(values) + "\n")
