"""The pretrained networks that come with the package, a directory each, which `models/preset_files.py` reads."""

import os
import pathlib

DIRECTORY = pathlib.Path(__file__).resolve().parent
CONFIG, METADATA = "config.json", "metadata.json"


def shipped_presets() -> list[str]:
    """The names of the presets that come with weights."""
    return sorted(path.parent.name for path in DIRECTORY.glob(f"*/{CONFIG}"))


def find_preset(name_or_directory: str | os.PathLike[str]) -> pathlib.Path | None:
    """The directory of a preset: one of that path, or the one of that name in the package; None if there is neither."""
    for directory in (pathlib.Path(os.path.expanduser(name_or_directory)), DIRECTORY / str(name_or_directory)):
        # The folder of a run has a configuration too.
        if all((directory / name).is_file() for name in (CONFIG, METADATA)):
            return directory
    return None
