"""Exports for the demo, kept in the user's cache, so that a model is exported once."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import time

from pixelrnn_tf import version
from pixelrnn_tf.files import user_cache
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.programs.example_images import examples_of
from pixelrnn_tf.programs.model_files import card_of
from pixelrnn_tf.serving.saved_model_writer import export_model
from pixelrnn_tf.serving.versions import version_dir, version_folders
from pixelrnn_tf.zoo import CONFIG, METADATA, find_preset

DAYS_KEPT = 30


def name_of(model: str | os.PathLike) -> str:
    """Return the name of a model in addresses: that of the preset, of the folder of its versions, or of its file.

    A file with the name that training gives it, `model.keras`, takes the name of its folder.
    """
    path = pathlib.Path(os.path.expanduser(model)).resolve()
    if path.is_file():
        return path.parent.name if path.stem == "model" and path.parent.name else path.stem
    return path.parent.name if (path / "saved_model.pb").is_file() and path.name.isdigit() else path.name


def exported(model: str | os.PathLike, name: str) -> pathlib.Path:
    """Export a model, unless the cache already has the export. The cache drops exports not used for `DAYS_KEPT` days.

    Args:
        model: a `.keras` file, a preset, or the folder of an export, which is returned.
        name: name of the model.

    Returns:
        the folder of the exported version.

    Raises:
        ValueError: if there is no such model, or it draws codes, which the page cannot show.
    """
    path = pathlib.Path(os.path.expanduser(model))
    if path.is_dir() and (version_folders(path) or (path / "saved_model.pb").is_file()):
        return version_dir(path)
    entry = cache() / f"{name}-{_digest(model)}"
    folder = entry / name
    if not version_folders(folder):
        loaded = load_model(model)
        if loaded.inputs_name == "codes":
            raise ValueError(
                f"{model} draws codes, which have no picture: draw them with pixelrnn_tf.sampling.generate."
            )
        print(f"Exporting {name} to {folder}; this takes up to a minute.", flush=True)
        export_model(loaded, folder, card_of(model), examples=examples_of(loaded, model))
    with contextlib.suppress(OSError):  # A cache that may only be read.
        os.utime(entry)
        _drop_unused()
    return version_dir(folder)


def cache() -> pathlib.Path:
    """Return the folder of the exports."""
    return user_cache() / "demo"


def _drop_unused() -> None:
    """Delete what has not been used for `DAYS_KEPT` days. Newer entries may be exports that are being written."""
    earliest = time.time() - DAYS_KEPT * 24 * 3600
    for entry in cache().iterdir():
        with contextlib.suppress(FileNotFoundError):  # Another process may have deleted it.
            if entry.stat().st_mtime < earliest:
                shutil.rmtree(entry, ignore_errors=True)


def _digest(model: str | os.PathLike) -> str:
    """Return a digest of the files of a model and of the code that exports it, 16 hexadecimal digits."""
    path = pathlib.Path(os.path.expanduser(model))
    preset = None if path.is_file() else find_preset(model)
    files = [path, path.with_name("model.json")] if preset is None else [preset / CONFIG, preset / METADATA]
    files += sorted(pathlib.Path(version.__file__).parent.rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:16]
