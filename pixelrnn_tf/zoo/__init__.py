"""Pretrained networks in the package, one directory each, which `models/preset_files.py` reads."""

import os
import pathlib

DIRECTORY = pathlib.Path(__file__).resolve().parent
CONFIG, METADATA = "config.json", "metadata.json"


def shipped_presets() -> list[str]:
    """List the names of the presets with weights."""
    return sorted(path.parent.name for path in DIRECTORY.glob(f"*/{CONFIG}"))


def find_preset(name_or_directory: str | os.PathLike[str]) -> pathlib.Path | None:
    """Find the directory of a preset by path, or by name in the package; None if there is neither."""
    for directory in (pathlib.Path(os.path.expanduser(name_or_directory)), DIRECTORY / str(name_or_directory)):
        # The folder of a run has a config.json too.
        if all((directory / name).is_file() for name in (CONFIG, METADATA)):
            return directory
    return None
