"""Checkpoints that are complete or ignored.

A run resumes from, in this order: the newest complete checkpoint in its working directory; the weights of
`--init_from`; scratch. A checkpoint holds the weights, their average, the optimizer, the loss scale, the number of the
step, and the progress of the run (`Progress`). It holds no random state and no position in the data, since both depend
only on the seed and the step.

A checkpoint is a folder `step-00000500` with the files of a `tf.train.Checkpoint` and a `manifest.json`, which is
written last and records the size and the SHA-256 of every other file. The folder is written under another name and
renamed.
"""

import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
from typing import Any

import tensorflow as tf

from pixelrnn_tf.files import read_json, write_json
from pixelrnn_tf.regular_files import open_regular
from pixelrnn_tf.tensorflow_files import as_os_error

# More than the state of any network that can be trained.
MOST_BYTES = 2**42
KEPT = 2  # Checkpoints.
STATE, MANIFEST, PARTIAL = "state", "manifest.json", ".partial"
NAME = re.compile(r"step-\d{8,}")


@dataclasses.dataclass
class Progress:
    """Progress of a run.

    Attributes:
        step: number of updates.
        seconds: training time in seconds, without evaluations.
        processor_seconds: processor time of these seconds over all threads of this process; counted from 0 when a run
            of an earlier version resumes.
        wall_seconds: total time in seconds, up to the last checkpoint.
        evaluated: step of the last evaluation; -1 for none.
        best: best validation score so far, in nats per image; None before the first.
        best_step: step of the best score.
        since_best: number of evaluations since the best score.
    """

    step: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    wall_seconds: float = 0.0
    evaluated: int = -1
    best: float | None = None
    best_step: int = -1
    since_best: int = 0

    @classmethod
    def from_json(cls, values: Any) -> "Progress":
        """Parse the progress in a manifest.

        Raises:
            ValueError: if a field is missing or has another type.
        """
        kinds = dict.fromkeys(("seconds", "processor_seconds", "wall_seconds"), int | float)
        kinds["best"] = int | float | None
        fields = [field.name for field in dataclasses.fields(cls)]
        if isinstance(values, dict):
            values = {"processor_seconds": 0.0, **values}  # Missing in runs of earlier versions.
        if not isinstance(values, dict) or sorted(values) != sorted(fields):
            raise ValueError(f"its progress must have {', '.join(fields)}")
        for name, value in values.items():
            if not isinstance(value, kinds.get(name, int)) or isinstance(value, bool):
                raise ValueError(f"its progress has {name} = {value!r}")
        return cls(**values)


class Checkpoints:
    """Checkpoints of a run.

    Args:
        folder: folder of the checkpoints.
        state: variables to save.
        weights: names of the model's weights, in order; checkpoints with other names are rejected.
    """

    def __init__(self, folder: pathlib.Path, state: tf.train.Checkpoint, weights: list[str]):
        self.folder, self.state, self.weights = folder, state, weights

    def save(self, progress: Progress) -> None:
        """Write a checkpoint, and delete the oldest ones.

        Raises:
            OSError: if it cannot be written; earlier ones stay intact.
        """
        final = self.folder / f"step-{progress.step:08d}"
        partial = self.folder / PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            with as_os_error(f"at the checkpoint of step {progress.step}"):
                self._write(partial, progress)
            # Replace a broken one.
            final.unlink() if final.is_file() else shutil.rmtree(final, ignore_errors=True)
            os.replace(partial, final)
            _sync(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for old in self._newest_first()[KEPT:]:
            old.unlink() if old.is_file() else shutil.rmtree(old)

    def _write(self, folder: pathlib.Path, progress: Progress) -> None:
        self.state.write(str(folder / STATE))
        files = {path.name: _fingerprint(path) for path in sorted(folder.iterdir())}
        for name in files:
            _sync(folder / name)
        manifest = {"progress": dataclasses.asdict(progress), "weights": self.weights, "files": files}
        write_json(folder / MANIFEST, manifest)
        _sync(folder / MANIFEST)

    def restore(self) -> tuple[Progress, list[str]] | None:
        """Load the newest complete checkpoint into the variables.

        Returns:
            the progress, and a warning for every broken checkpoint that was skipped; or None if there are no
            checkpoints.

        Raises:
            ValueError: if all checkpoints are broken, or the newest complete one is of another network.
        """
        warnings: list[str] = []
        for path in self._newest_first():
            problem = _problem(path)
            if problem is None:
                return self._read(path), warnings
            warnings.append(f"The checkpoint {path} is broken: {problem}. It is skipped.")
        if warnings:
            raise ValueError(
                f"No checkpoint in {self.folder} can be used. {' '.join(warnings)} Restore a complete one, delete that "
                "folder to train from scratch, or choose another --workdir."
            )
        return None

    def _read(self, path: pathlib.Path) -> Progress:
        """Load a complete checkpoint into the variables."""
        manifest = read_json(path / MANIFEST)
        try:
            if manifest.get("weights", self.weights) != self.weights:
                raise ValueError("its weights have other names")
            self.state.read(str(path / STATE)).assert_consumed()
        except (ValueError, AssertionError, tf.errors.OpError) as error:
            cause = str(error).strip().splitlines()[0]
            raise ValueError(
                f"The checkpoint {path} is of another network or version of this program: {cause}. "
                "Choose another --workdir."
            ) from error
        return Progress.from_json(manifest["progress"])

    def _newest_first(self) -> list[pathlib.Path]:
        """List the checkpoints, newest first; other files and folders are ignored."""
        paths = [path for path in self.folder.glob("step-*") if NAME.fullmatch(path.name)]
        return sorted(paths, key=lambda path: int(path.name.removeprefix("step-")), reverse=True)


def _problem(path: pathlib.Path) -> str | None:
    """Describe why a checkpoint is broken; None if it is complete."""
    if not path.is_dir():
        return "it is a file"
    try:
        manifest = read_json(path / MANIFEST)
        Progress.from_json(manifest["progress"])
        for name, expected in manifest["files"].items():
            if name != pathlib.PurePath(name).name:
                return f"{MANIFEST} names {name!r}, which is not a file in the same folder"
            found = _fingerprint(path / name)
            if found["bytes"] != expected["bytes"]:
                return f"{name} has {found['bytes']} bytes instead of {expected['bytes']}"
            if found != expected:
                return f"{name} has been changed since it was written"
    except FileNotFoundError as error:
        return f"there is no {pathlib.Path(error.filename).name}"
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return f"{MANIFEST} cannot be used ({type(error).__name__}: {error})"
    return None


def _fingerprint(path: pathlib.Path) -> dict[str, Any]:
    with open_regular(path, MOST_BYTES) as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _sync(path: pathlib.Path) -> None:
    """Flush to disk, so that even after a power failure no name lacks its content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
