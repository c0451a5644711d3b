"""What a run tells while it goes: lines of progress, `metrics.jsonl`, TensorBoard and the learning curve."""

import pathlib

import numpy as np
import tensorflow as tf

from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.programs.durations import duration
from trainers.checkpoints import Progress
from trainers.curves import write_curve
from trainers.drawing import draw
from trainers.evaluation import Score
from trainers.metrics_file import MetricsFile
from trainers.pictures import image_grid


class Journal:
    """The journal of a run, kept by its chief; that of another worker stays silent.

    Args:
        workdir: where `metrics.jsonl`, `curve.png` and the folder `tensorboard` are.
        last_step: the step the run stands at.
        chief: whether this process is the chief.
    """

    def __init__(self, workdir: pathlib.Path, last_step: int, chief: bool):
        self.workdir, self.chief = workdir, chief
        if chief:
            self.metrics = MetricsFile(workdir / "metrics.jsonl", last_step)
            self.summaries = tf.summary.create_file_writer(str(workdir / "tensorboard"))

    def say(self, text: str) -> None:
        """Print a line."""
        if self.chief:
            print(text, flush=True)

    def trained(self, progress: Progress, steps: int, left: float, **values: float) -> None:
        """Tell of the steps since the last line.

        Args:
            progress: how far the run has come.
            steps: where it ends.
            left: seconds until then.
            **values: `train_nats_per_image` and `train_bits_per_dim`, means over these steps; `images_per_second`;
                `gradient_norm` and `learning_rate`.
        """
        self.say(
            f"step {progress.step}/{steps}  {values['images_per_second']:.0f} images/s  "
            f"train {values['train_nats_per_image']:.2f} nats per image, {values['train_bits_per_dim']:.4f} bits/dim  "
            f"{duration(max(left, 0))} left"
        )
        self._record(progress, values)

    def evaluated(self, progress: Progress, score: Score, best: bool) -> None:
        """Tell of an evaluation, and draw the curve."""
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
        if self.chief:
            write_curve(self.metrics.path, self.workdir / "curve.png")

    def draws(self, progress: Progress, model: PixelRNN, number: int, seed: int) -> None:
        """Draw images from a model and show them in TensorBoard."""
        if not self.chief:
            return
        grid = image_grid(draw(model, number, seed), model.levels)
        with self.summaries.as_default():
            tf.summary.image("samples", grid[None], step=progress.step)
        self.summaries.flush()

    def _record(self, progress: Progress, values: dict[str, float]) -> None:
        if not self.chief:
            return
        self.metrics.write(step=progress.step, seconds=round(progress.seconds, 2), **values)
        with self.summaries.as_default():
            for name, value in values.items():
                if np.isfinite(value):
                    tf.summary.scalar(name, value, step=progress.step)
        self.summaries.flush()
