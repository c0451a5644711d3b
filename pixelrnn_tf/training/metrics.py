"""Losses and scores of a run, from its `metrics.jsonl`."""

import contextlib
import json
import pathlib
from typing import Any

from pixelrnn_tf.regular_files import read_regular


def last_step(path: pathlib.Path) -> int | None:
    """Last step of a `metrics.jsonl`; None if there is none."""
    return max((line["step"] for line in metrics_in(path)), default=None)


def validation_curve(path: pathlib.Path) -> list[dict[str, float]]:
    """Evaluations in a `metrics.jsonl`: step, training times in seconds, and the score of the validation images."""
    keys = {name: name for name in ("step", "seconds", "processor_seconds")}
    keys["validation_nats_per_image"] = "nats_per_image"
    lines = [line for line in metrics_in(path) if "validation_nats_per_image" in line]
    return [{short: line[name] for name, short in keys.items() if name in line} for line in lines]


def metrics_in(path: pathlib.Path) -> list[dict[str, Any]]:
    """Read the valid lines of a `metrics.jsonl`; none if there is no such file.

    A run that is killed while writing leaves an incomplete line, which is skipped.
    """
    if not path.exists():
        return []
    lines = []
    for text in read_regular(path).decode(errors="replace").splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            line = json.loads(text)
            if isinstance(line, dict) and isinstance(line.get("step"), int):
                lines.append(line)
    return lines
