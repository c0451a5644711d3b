"""`metrics.jsonl`: what was measured during a run, a line of JSON each."""

import json
import os
import pathlib
from typing import Any

from pixelrnn_tf.programs.files import written_beside


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
