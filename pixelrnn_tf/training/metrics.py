"""The losses and scores of a run as its `metrics.jsonl` holds them."""

import contextlib
import json
import pathlib
from typing import Any

from pixelrnn_tf.regular_files import read_regular


def metrics_in(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a `metrics.jsonl` that can be read; none if there is no such file.

    A run that was killed while it wrote leaves half a line, and an editor may leave anything.
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
