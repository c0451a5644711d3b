"""Command lines of runs, for cards."""

import pathlib
import shlex
from typing import Any

from pixelrnn_cli.flags import as_flags
from pixelrnn_cli.train_config import TrainConfig


def command_of(config: dict[str, Any], name: str) -> str:
    """Command of a run, with its folder named after the preset, and other folders next to it.

    Args:
        config: its configuration, complete; see `workdir.with_defaults`.
        name: name of the preset.
    """
    config = {**config, "init_from": without_folders(config["init_from"])}
    flags = map(shlex.quote, [*as_flags(TrainConfig, config), f"--workdir=runs/{name}"])
    words = ["python -m trainers.train", *flags]
    return " \\\n    ".join(words)


def without_folders(source: str) -> str:
    """Remove the folders above a run from the path of one of its files; names of presets do not change."""
    path = pathlib.Path(source)
    return "/".join(["runs", *path.parts[-2:]]) if len(path.parts) > 1 else source
