"""The training loop."""

import dataclasses
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.models import PRESETS, NegativeLogLikelihood, PixelRNN, bits_per_dim
from trainers.averaging import WeightAverage
from trainers.config import TrainConfig, check_workdir
from trainers.evaluation import Evaluator, Score
from trainers.files import MetricsFile, write_json, written_beside
from trainers.progress import StopRequest, Throttle, duration

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}


class Training:
    """A model in training and all that a checkpoint keeps of it.

    Args:
        config: the run.
        data: its images.

    Raises:
        ValueError: for a configuration that does not fit the data.
    """

    def __init__(self, config: TrainConfig, data: ImageData):
        keras.utils.set_random_seed(config.seed)
        self.config, self.data = config, data
        self.model = PixelRNN(**config.model_arguments(data))
        self.average = WeightAverage(self.model, config.average_decay)
        self.optimizer = OPTIMIZERS[config.optimizer](config.learning_rate)
        self.optimizer.build(self.model.trainable_variables)
        self.xla = config.use_xla(self.model)
        self.evaluator = Evaluator(self.average.model, jit_compile=self.xla)
        self.loss = NegativeLogLikelihood()
        self.step = tf.Variable(0, dtype=tf.int64)
        self.evaluated = tf.Variable(-1, dtype=tf.int64)
        self.seconds = tf.Variable(0.0, dtype=tf.float64)
        self.best = tf.Variable(np.inf, dtype=tf.float64)
        self._loss_and_gradients = tf.function(self._loss_and_gradients, jit_compile=self.xla)
        self.train_step = tf.function(self._train_step)
        data.train_batches(config.batch_size, config.seed)  # Complains of a batch size that does not fit.

    def open(self, workdir: pathlib.Path) -> None:
        """Use `workdir` for files, and go on from the last checkpoint in it, if there is one."""
        self.workdir = workdir
        checkpoint = tf.train.Checkpoint(
            model=self.model,
            average=self.average.model,
            optimizer=self.optimizer,
            step=self.step,
            evaluated=self.evaluated,
            seconds=self.seconds,
            best=self.best,
        )
        self.checkpoints = tf.train.CheckpointManager(checkpoint, str(workdir / "checkpoints"), max_to_keep=2)
        if self.checkpoints.latest_checkpoint:
            checkpoint.restore(self.checkpoints.latest_checkpoint).assert_consumed()
            print(f"Going on from step {int(self.step)} of {self.checkpoints.latest_checkpoint}.")
        self.metrics = MetricsFile(workdir / "metrics.jsonl", int(self.step))

    def _loss_and_gradients(self, images):
        with tf.GradientTape() as tape:
            loss = self.loss(images, self.model(images))
        return loss, tape.gradient(loss, self.model.trainable_variables)

    def _train_step(self, images):
        """One update, unless loss or gradients are not finite.

        Returns:
            `(loss, norm)` before it: nats per image, and the global norm of the gradients.
        """
        loss, gradients = self._loss_and_gradients(images)
        norm = tf.linalg.global_norm(gradients)

        def update():
            clipped = gradients
            if self.config.clip_norm:
                clipped, _ = tf.clip_by_global_norm(gradients, self.config.clip_norm, use_norm=norm)
            self.optimizer.apply(clipped, self.model.trainable_variables)
            self.step.assign_add(1)
            self.average.update(self.step)
            return True

        tf.cond(tf.math.is_finite(loss) & tf.math.is_finite(norm), update, lambda: False)
        return loss, norm

    def evaluate(self) -> None:
        """Score the average on validation images, and keep it if it is the best so far; then save a checkpoint.

        Raises:
            FloatingPointError: if the score is not finite; nothing is saved then.
        """
        score, step = self.evaluator.score(self.data, "validation", self.config.eval_images), int(self.step)
        self._check_finite(f"validation score at step {step}", score.nats_per_image)
        best = score.nats_per_image < float(self.best)
        print(f"step {step}: validation {score}{', the best so far' if best else ''}", flush=True)
        self.metrics.write(
            step=step,
            seconds=round(float(self.seconds), 2),
            validation_nats_per_image=score.nats_per_image,
            validation_bits_per_dim=score.bits_per_dim,
            validation_images=score.images,
        )
        if best:
            self.best.assign(score.nats_per_image)
            with written_beside(self.workdir / "model.keras") as beside:
                self.average.model.save(beside)
            self.write_card({"validation": score})
        self.evaluated.assign(step)
        self.checkpoints.save(self.step)

    def write_card(self, scores: dict[str, Score]) -> None:
        """Write `model.json`: what `model.keras` was trained on, and its scores."""
        write_json(
            self.workdir / "model.json",
            {
                "data": dataclasses.asdict(self.config.data),
                "binarization": self.data.binarization,
                "steps": int(self.step),
                "training_seconds": round(float(self.seconds), 1),
                "scores": {split: dataclasses.asdict(score) for split, score in scores.items()},
            },
        )

    def run(self) -> bool:
        """Train to the end of the run. Returns False if it was interrupted."""
        config = self.config
        batches = iter(self.data.train_batches(config.batch_size, config.seed, int(self.step)))
        throttle, losses, window = None, [], 0.0
        with StopRequest() as stop:
            while int(self.step) < config.steps and not self._out_of_time() and not stop.signal:
                start = time.monotonic()
                loss, norm = (float(value) for value in self.train_step(next(batches)))
                self._check_finite(f"loss after step {int(self.step)}", loss)
                self._check_finite(f"norm of the gradients after step {int(self.step)}", norm)
                losses.append(loss)
                self.seconds.assign_add(time.monotonic() - start)
                if throttle is None:  # The first step was compiled, which says nothing of the rate.
                    throttle, losses, window = Throttle(config.log_seconds), [], time.monotonic()
                elif throttle():
                    self._log(losses, time.monotonic() - window)
                    losses, window = [], time.monotonic()
                if int(self.step) % config.eval_every == 0:
                    self.evaluate()
                    losses, window = [], time.monotonic()
            if stop.signal:
                self.checkpoints.save(self.step)
                print(f"Stopped at step {int(self.step)}; the same command goes on from there.", flush=True)
                return False
            if int(self.evaluated) != int(self.step):
                self.evaluate()
        return True

    def _out_of_time(self) -> bool:
        return bool(self.config.minutes) and float(self.seconds) >= 60 * self.config.minutes

    def _check_finite(self, what: str, value: float) -> None:
        if not np.isfinite(value):
            raise FloatingPointError(
                f"The {what} is {value}. The last good state is {self.checkpoints.latest_checkpoint or 'none'}. "
                "Try a smaller --learning_rate or --clip_norm, in another --workdir."
            )

    def _log(self, losses: list[float], elapsed: float) -> None:
        if not losses:
            return
        step, config = int(self.step), self.config
        nats, rate = float(np.mean(losses)), len(losses) / elapsed
        left = (config.steps - step) / rate
        if config.minutes:
            left = min(left, 60 * config.minutes - float(self.seconds))
        bits = bits_per_dim(nats, self.model.image_shape)
        print(
            f"step {step}/{config.steps}  {rate * config.batch_size:.0f} images/s  "
            f"train {nats:.2f} nats per image, {bits:.4f} bits/dim  {duration(max(left, 0))} left",
            flush=True,
        )
        self.metrics.write(
            step=step,
            seconds=round(float(self.seconds), 2),
            train_nats_per_image=nats,
            train_bits_per_dim=bits,
            images_per_second=rate * config.batch_size,
        )


def train(config: TrainConfig, workdir: pathlib.Path) -> dict[str, Score] | None:
    """Train a model, or go on with an interrupted run, and score the best one on whole splits.

    The model that is evaluated and saved, `workdir/model.keras`, is the exponential average of the weights
    with the best validation score. `model.json` beside it says what it was trained on and its scores.

    Returns:
        the scores by split, or None if the run was interrupted: the same call goes on with it.

    Raises:
        ValueError: for a configuration that does not fit the data, or that of another run in `workdir`.
        FloatingPointError: at the first loss that is not finite.
    """
    workdir = pathlib.Path(workdir)
    check_workdir(workdir, config)
    data = config.data.load()
    training = Training(config, data)
    # Nothing is written before all of the configuration has proved right.
    write_json(workdir / "config.json", dataclasses.asdict(config))
    print(data.describe())
    model = training.model
    print(
        f"{model.block}, {model.num_blocks} x {model.hidden}, {model.count_params():,} weights; "
        f"{config.optimizer}, batches of {config.batch_size}, XLA {'on' if training.xla else 'off'}",
        flush=True,
    )
    training.open(workdir)
    if not training.run():
        return None
    best = keras.models.load_model(workdir / "model.keras")
    evaluator = Evaluator(best, jit_compile=training.xla)
    scores = {split: evaluator.score(data, split) for split in ("validation", "test") if split in data.splits}
    for split, score in scores.items():
        print(f"{split} ({data.splits[split].name}): {score}", flush=True)
    if config.preset and PRESETS[config.preset].paper_score:
        preset = PRESETS[config.preset]
        print(f"The paper reports {preset.paper_score}, for this network on {preset.data}, trained to convergence.")
    training.write_card(scores)
    return scores
