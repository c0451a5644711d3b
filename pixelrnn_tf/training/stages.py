"""Training stages of a network, where each run starts from the weights of the previous one."""

import os
import pathlib
from typing import Any

from pixelrnn_tf.files import read_json
from pixelrnn_tf.models import preset_files
from pixelrnn_tf.training.commands import command_of
from pixelrnn_tf.training.metrics import last_step, validation_curve
from pixelrnn_tf.training.workdir import with_defaults
from pixelrnn_tf.zoo import find_preset

# Entry of config.json and model.json with the initial weights of a run.
STARTED_FROM = "started_from"
# Recorded properties of an earlier stage.
KEPT = ("command", "steps", "best_step", "batch_size", "seconds", "commit", "scores", "curve")


def started_from(source: str | os.PathLike, digest: str) -> dict[str, Any]:
    """Make the record of the weights that a run starts from.

    Args:
        source: the value of --init_from: a `.keras` file or a preset.
        digest: digest of its weights.

    Returns:
        `source`, `weights_sha256`, and `stages`: known properties of the training of these weights, one dictionary per
        run, first one first.
    """
    path = pathlib.Path(os.path.expanduser(source))
    directory = None if path.is_file() else find_preset(source)
    if directory is not None:
        metadata = preset_files.read_metadata(directory)
        training = metadata.get("training") or {}
        own = {key: training.get(key) for key in KEPT} | {"scores": metadata.get("scores")}
        earlier, name = training.get(STARTED_FROM), metadata.get("name", directory.name)
    else:
        card, config = (_read(path.with_name(name)) for name in ("model.json", "config.json"))
        own = {"best_step": card.get("steps"), "batch_size": config.get("batch_size"), "scores": card.get("scores")}
        own["seconds"] = card.get("training_seconds")
        own["steps"] = last_step(path.with_name("metrics.jsonl"))
        own["curve"] = validation_curve(path.with_name("metrics.jsonl")) or None
        earlier, name = card.get(STARTED_FROM), path.parent.name
        own["command"] = command_of(with_defaults(config), name) if isinstance(config.get("data"), dict) else None
    known = {key: value for key, value in own.items() if value is not None}
    earlier_stages = earlier.get("stages", []) if isinstance(earlier, dict) else []
    return {
        "source": os.fspath(source),
        "weights_sha256": digest,
        "stages": [*earlier_stages, {"name": name, "weights_sha256": digest, **known}],
    }


def read(workdir: pathlib.Path) -> dict[str, Any] | None:
    """Read the record of the run in a folder; None for a run from scratch or of an earlier version."""
    noted = _read(workdir / "config.json").get(STARTED_FROM)
    return noted if isinstance(noted, dict) else None


def describe(noted: dict[str, Any]) -> str:
    """Describe the weights that a run started from."""
    names = ", then ".join(str(stage.get("name")) for stage in noted.get("stages", []))
    return f"`{noted['source']}` (weights of SHA-256 {noted['weights_sha256'][:16]}...; trained as {names})"


def _read(path: pathlib.Path) -> dict[str, Any]:
    found = read_json(path) if path.is_file() else {}
    return found if isinstance(found, dict) else {}
