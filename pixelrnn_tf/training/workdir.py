"""Working directory of a run: its lock, and the configuration it was started with."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import socket
import stat
from collections.abc import Iterator
from typing import Any

from pixelrnn_cli.flags import renamed
from pixelrnn_cli.train_config import FREE_TO_CHANGE, TrainConfig
from pixelrnn_tf.data import ImageData, check_unchanged, match_classes
from pixelrnn_tf.evaluation.compatibility import as_numbered_before_names
from pixelrnn_tf.files import read_json, temporary_name, to_json
from pixelrnn_tf.training.metrics import metrics_in

try:
    import fcntl
except ImportError:  # On Windows, where there is no lock.
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
# Entry of config.json with the fingerprint of the images at the start of the run.
FINGERPRINT = "fingerprint"
# Entry with the names of the classes, in the order of their labels.
CLASSES = "classes"
# Files of a run besides its checkpoints and TensorBoard's folder.
CONFIG, METRICS = "config.json", "metrics.jsonl"
FILES = ("model.keras", "model.json", "report.md", "curve.png", "samples.png", METRICS, CONFIG)


@contextlib.contextmanager
def locked(workdir: pathlib.Path, is_chief: bool = True) -> Iterator[None]:
    """Lock a folder against other programs; it is created if it does not exist.

    The lock is a file lock of the operating system, so it ends with the process. Incomplete files of an earlier process
    are removed. A folder that stays empty is removed again.

    Args:
        workdir: the folder.
        is_chief: True if this worker writes there; other workers take no lock.

    Raises:
        ValueError: if another program holds the lock; the message names it.
        OSError: if the folder is not writable.
    """
    if not is_chief or fcntl is None:
        yield
        return
    made = [path for path in (workdir, *workdir.absolute().parents) if not path.exists()]
    workdir.mkdir(parents=True, exist_ok=True)
    try:
        with _lock_file(workdir / LOCK):
            if (workdir / CONFIG).is_file():
                for path in _half_written(workdir):
                    path.unlink()
            yield
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()  # If it is empty.


def _half_written(workdir: pathlib.Path) -> list[pathlib.Path]:
    """List regular files with the temporary name of a file of a run, of this version or an earlier one."""
    patterns = [
        re.compile(rf"{re.escape(prefix)}(\d+|[a-z0-9_]{{8}}){re.escape(suffix)}")
        for prefix, suffix in map(temporary_name, FILES)
    ]
    return [
        path
        for path in workdir.iterdir()
        if any(pattern.fullmatch(path.name) for pattern in patterns) and path.is_file() and not path.is_symlink()
    ]


@contextlib.contextmanager
def _lock_file(path: pathlib.Path) -> Iterator[None]:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        except OSError as error:
            if not path.is_symlink() and not path.exists():
                raise
            raise ValueError(
                f"{path} is a link or a folder instead of a lock file: choose another --workdir."
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ValueError(f"{path} is not a regular file, so it is no lock: choose another --workdir.")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 1000).decode(errors="replace").strip() or "another program"
            os.close(descriptor)
            raise ValueError(
                f"{path.parent} is in use by {holder}. Wait until it has ended, stop it, or choose another --workdir."
            ) from error
        # The previous owner may have removed the file between the two calls: then this lock is useless.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                break
        os.close(descriptor)
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def check_workdir(workdir: pathlib.Path, config: TrainConfig) -> None:
    """Check that a run in `workdir`, if there is one, has the same configuration, and that no file would be lost.

    Raises:
        ValueError: if the configuration differs; the message lists how. Also if the run would replace files that belong
            to no run, or to one whose checkpoints are gone.
    """
    path = workdir / CONFIG
    if not path.exists():
        taken = [name for name in FILES if (workdir / name).exists()]
        if taken:
            raise ValueError(
                f"{workdir} has {', '.join(taken)}, which the run would replace, but no {CONFIG} of a run. Choose "
                "another --workdir."
            )
        return
    # A run of an earlier version lacks newer settings and used today's defaults.
    found, wanted = with_defaults(read_config(path)), as_json(config)
    different = [
        f"{key}: {found[key]!r} there, {wanted[key]!r} now"
        for key in sorted(wanted.keys() - set(FREE_TO_CHANGE))
        if found[key] != wanted[key]
    ]
    if different:
        raise ValueError(
            f"{workdir} holds a run with another configuration ({'; '.join(different)}). Choose another "
            "--workdir, or resume that run with the same configuration."
        )
    if not any((workdir / "checkpoints").glob("step-*")) and _has_trained(workdir):
        raise ValueError(
            f"{workdir} holds the results of a run whose checkpoints are gone: it cannot resume, and restarting would "
            "replace them. Choose another --workdir; to start there from these weights, pass "
            f"--init_from={shlex.quote(str(workdir / 'model.keras'))}."
        )


def _has_trained(workdir: pathlib.Path) -> bool:
    """Return True if a run has results from after its first step."""
    card = read_json(workdir / "model.json") if (workdir / "model.json").is_file() else {}
    steps = card.get("steps") if isinstance(card, dict) else None
    trained = isinstance(steps, int) and steps > 0
    lines = metrics_in(workdir / METRICS)
    return trained or (workdir / "report.md").exists() or any(line["step"] > 0 for line in lines)


def with_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """Complete the configuration of a run with the defaults of settings that its version did not have."""
    defaults, config = as_json(TrainConfig()), renamed(TrainConfig, config)
    data = config.get("data")
    return {**defaults, **config, "data": {**defaults["data"], **(data if isinstance(data, dict) else {})}}


def checked_data(workdir: pathlib.Path, data: ImageData) -> ImageData:
    """Check that a run in `workdir`, if there is one, was started on the current images.

    Returns:
        the data, with the class labels of the run.

    Raises:
        ValueError: if they have changed; the message lists how.
    """
    path = workdir / CONFIG
    if not path.exists():
        return data
    found = read_config(path)
    check_unchanged(data, found.get(FINGERPRINT), f"the run in {workdir}")
    if not data.classes:
        return data
    recorded = found.get(CLASSES)
    if recorded and not isinstance(recorded, list):
        raise ValueError(f"{path} has {CLASSES} that are not a list of names: it is not the configuration of a run.")
    return match_classes(data, recorded) if recorded else as_numbered_before_names(data)


def read_config(path: pathlib.Path) -> dict[str, Any]:
    """Read the configuration of a run as JSON.

    Raises:
        ValueError: if the file holds anything else.
    """
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("model", {}), dict):
        raise ValueError(f"{path} is not the configuration of a run. Choose another --workdir.")
    return found


def as_json(config: TrainConfig) -> dict[str, Any]:
    """Convert a configuration to JSON types, with lists in place of tuples."""
    return json.loads(to_json(dataclasses.asdict(config)))
