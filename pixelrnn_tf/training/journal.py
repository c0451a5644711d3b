"""Outputs of a run in progress: progress lines, `metrics.jsonl`, TensorBoard and the learning curve."""

import importlib.util
import os
import pathlib
import time
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from pixelrnn_tf import progress as progress_lines
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.evaluation.batched_sampling import draw_images
from pixelrnn_tf.evaluation.scoring import Score
from pixelrnn_tf.files import to_json, write_text
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.pictures.grids import square_grid
from pixelrnn_tf.progress import duration
from pixelrnn_tf.regular_files import read_regular
from pixelrnn_tf.tensorflow_files import as_os_error
from pixelrnn_tf.training.checkpoints import Progress
from pixelrnn_tf.training.learning_curve import write_curve
from pixelrnn_tf.training.metrics import metrics_in

# The file that errors name.
EVENTS = "at the events of TensorBoard"

# Packages of the extra `training`, and the output that each writes.
OPTIONAL = {"tensorboard": "tensorboard/", "matplotlib": "curve.png"}


def is_installed(package: str) -> bool:
    """Return True if a package can be imported."""
    return importlib.util.find_spec(package) is not None


class Journal:
    """Journal of a run, written by its chief; on other workers it does nothing.

    Without the packages TensorBoard and Matplotlib, a run writes no `tensorboard` and no `curve.png`.

    Args:
        workdir: folder of `metrics.jsonl`, `curve.png` and the folder `tensorboard`.
        last_step: current step of the run.
        chief: True if this process is the chief.
    """

    def __init__(self, workdir: pathlib.Path, last_step: int, chief: bool):
        self.workdir, self.chief = workdir, chief
        self._bar: progress_lines.Progress | None = None
        self._note = ""
        if chief:
            self.metrics = MetricsFile(workdir / "metrics.jsonl", last_step)
            if self.metrics.unreadable:
                self.say(f"Warning: {self.metrics.path} had {self.metrics.unreadable} broken lines, left out now.")
            missing = [package for package in OPTIONAL if not is_installed(package)]
            if missing:
                outputs = " and ".join(OPTIONAL[package] for package in missing)
                self.say(f"  note: {' and '.join(missing)} not installed, so the run writes no {outputs}")
            self.draws_curve = "matplotlib" not in missing
            self.summaries: tf.summary.SummaryWriter | None = None
            if "tensorboard" not in missing:
                with as_os_error(EVENTS):
                    self.summaries = tf.summary.create_file_writer(str(workdir / "tensorboard"))

    def say(self, text: str) -> None:
        """Print a line on the chief."""
        if self.chief:
            progress_lines.say(text)

    def stepped(self, progress: Progress, steps: int) -> None:
        """Update the progress bar on a terminal, after every step."""
        if not self.chief or not progress_lines.on_terminal():
            return
        if self._bar is None:
            self._bar = progress_lines.Progress("training", steps, "steps", start=progress.step - 1)
        self._bar.update(progress.step, self._note)

    def close(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def trained(self, progress: Progress, steps: int, left: float, **values: float) -> None:
        """Report the steps since the last line.

        Args:
            progress: progress of the run.
            steps: total number of steps.
            left: estimated remaining seconds.
            **values: `train_nats_per_image` and `train_bits_per_dim`, means over these steps; `images_per_second`;
                `gradient_norm` and `learning_rate`.
        """
        loss = f"{values['train_nats_per_image']:.2f} nats per image, {values['train_bits_per_dim']:.4f} bits/dim"
        self._note = f"{values['images_per_second']:.0f} images/s, {loss}"
        if not progress_lines.on_terminal() and not progress_lines.is_quiet():
            self.say(
                f"step {progress.step}/{steps}  {values['images_per_second']:.0f} images/s  train {loss}  "
                f"{duration(max(left, 0))} left"
            )
        self._record(progress, values)

    def evaluated(self, progress: Progress, score: Score, best: bool) -> None:
        """Report an evaluation, and draw the learning curve."""
        self.say(f"step {progress.step}: validation {score}{', the best so far' if best else ''}")
        self._record(
            progress,
            {
                "validation_nats_per_image": score.nats_per_image,
                "validation_bits_per_dim": score.bits_per_dim,
                "validation_standard_error": score.standard_error,
                "validation_images": score.images,
            },
        )
        self.draw_curve()

    def draw_curve(self) -> None:
        """Draw the learning curve of the metrics so far."""
        if self.chief and self.draws_curve:
            write_curve(metrics_in(self.metrics.path), self.workdir / "curve.png")

    def draws(self, progress: Progress, model: ImageModel, number: int, seed: int) -> None:
        """Draw images from a model and show them in TensorBoard."""
        if not self.chief or self.summaries is None:
            return
        grid = square_grid(to_bytes(draw_images(model, number, seed), model.levels))
        with as_os_error(EVENTS), self.summaries.as_default():
            tf.summary.image("samples", grid[None], step=progress.step)
            self.summaries.flush()

    def _record(self, progress: Progress, values: Mapping[str, float | None]) -> None:
        if not self.chief:
            return
        finite = {name: value for name, value in values.items() if value is not None and np.isfinite(value)}
        times = {name: round(getattr(progress, name), 2) for name in ("seconds", "processor_seconds")}
        self.metrics.write(step=progress.step, **times, **finite)
        if self.summaries is None:
            return
        with as_os_error(EVENTS), self.summaries.as_default():
            for name, value in finite.items():
                tf.summary.scalar(name, value, step=progress.step)
            self.summaries.flush()


class MetricsFile:
    """File `metrics.jsonl`: one JSON object per line with its step; non-finite values are left out.

    Args:
        path: path of the file. Lines after `last_step` are removed: a resumed run writes them again.
        last_step: current step of the run.

    Attributes:
        unreadable: number of lines in the file that are not such objects.
    """

    def __init__(self, path: str | os.PathLike, last_step: int):
        self.path = pathlib.Path(path)
        found = metrics_in(self.path)
        lines = read_regular(self.path).splitlines() if self.path.exists() else []
        self.unreadable = len(lines) - len(found)
        kept = [line for line in found if line["step"] <= last_step]
        write_text(self.path, "".join(to_json(line) + "\n" for line in kept))

    def write(self, **values: float) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(to_json(values) + "\n")


class Window:
    """Losses and speed of the steps since the last progress line.

    Evaluations do not count as training time, and a window may span one, so the loss is always averaged over many
    steps. The first step is excluded, since its time is mostly compilation.

    Args:
        seconds: time between progress lines.
    """

    def __init__(self, seconds: float):
        self._seconds, self._start = seconds, 0.0
        self._throttle: Throttle | None = None
        self._losses: list[float] = []

    def add(self, loss: float, trained: float) -> tuple[float, float] | None:
        """Record a step.

        Args:
            loss: loss of the step, in nats per image.
            trained: total training time in seconds.

        Returns:
            mean loss and steps per second of the window when a line is due, after which a new window starts.
        """
        if self._throttle is None:
            self._throttle, self._start = Throttle(self._seconds), trained
            return None
        self._losses.append(loss)
        if not self._throttle():
            return None
        mean, rate = float(np.mean(self._losses)), len(self._losses) / max(trained - self._start, 1e-9)
        self._losses, self._start = [], trained
        return mean, rate


class Throttle:
    """Callable that returns True at most once every `seconds`."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.seconds:
            return False
        self._last = now
        return True
