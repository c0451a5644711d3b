"""A model in training."""

import math
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import ImageData
from pixelrnn_tf.models import PixelRNN, bits_per_dim
from pixelrnn_tf.programs.files import write_json, written_beside
from pixelrnn_tf.programs.model_files import start_from
from trainers.averaging import WeightAverage
from trainers.checkpoints import Checkpoints, Progress
from trainers.config import TrainConfig, as_json
from trainers.evaluation import Evaluator
from trainers.journal import Journal
from trainers.loss_scale import LossScale
from trainers.optimizers import make_optimizer
from trainers.pipeline import Pipeline
from trainers.progress import StopRequest, Throttle
from trainers.report import write_card
from trainers.step import TrainStep
from trainers.strategies import describe, is_chief


class Training:
    """A model in training over the replicas of a strategy, and all that a checkpoint keeps of it.

    Every worker of a cluster makes one and calls the same methods; all come to the same decisions, since they
    go by numbers that were summed over the workers.

    Args:
        config: the run.
        data: its images.
        strategy: its devices; by default those of TensorFlow's default strategy.

    Raises:
        ValueError: for a configuration that does not fit the data or the devices.
    """

    def __init__(self, config: TrainConfig, data: ImageData, strategy: tf.distribute.Strategy | None = None):
        self.config, self.data = config, data
        self.strategy = strategy or tf.distribute.get_strategy()
        self.chief = is_chief(self.strategy)
        config.check_batch(self.strategy.num_replicas_in_sync)
        keras.utils.set_random_seed(config.seed)
        with self.strategy.scope():
            self.model = PixelRNN(**config.model_arguments(data))
            self.xla = config.use_xla(self.model)
            self.average = WeightAverage(self.model, config.average_decay)
            self.optimizer = make_optimizer(config)
            self.optimizer.build(self.model.trainable_variables)
            self.loss_scale = LossScale() if config.dtype_policy == "mixed_float16" else None
            self.update = TrainStep(
                self.model,
                self.optimizer,
                self.average,
                config.clip_norm,
                config.accumulation,
                self.xla,
                self.loss_scale,
            )
            self.evaluator = Evaluator(self.average.model, jit_compile=self.xla)
        self._last_save = time.monotonic()
        self._throttle, self._interrupted, self._losses = None, False, []
        self._take_up(Progress())

    def open(self, workdir: pathlib.Path) -> None:
        """Use `workdir` for files, and go on from the last whole checkpoint in it, or from given weights.

        Raises:
            ValueError: if there are checkpoints, and none is whole; or the weights do not fit.
        """
        self.workdir = workdir
        self.checkpoints = Checkpoints(workdir / "checkpoints", self._state())
        restored = self.checkpoints.restore()
        if restored:
            progress, warnings = restored
            self._take_up(progress)
        elif self.config.init_from:
            with self.strategy.scope():
                start_from(self.model, self.config.init_from)
                self.average.restart()
        self.journal = Journal(workdir, self.progress.step, self.chief)
        if restored:
            for warning in warnings:
                self.journal.say(f"Warning: {warning}")
            self.journal.say(f"Going on from step {self.progress.step} of {workdir}.")
        elif self.config.init_from:
            self.journal.say(f"Starting from the weights of {self.config.init_from}.")

    def _state(self) -> tf.train.Checkpoint:
        # Variable by variable: TensorFlow does not see the layers that a Keras model keeps in a list.
        parts = {"model": self.model.weights, "average": self.average.model.weights}
        parts["optimizer"] = self.optimizer.variables
        lists = {name: [variable.value for variable in variables] for name, variables in parts.items()}
        scale = {"loss_scale": self.loss_scale} if self.loss_scale else {}
        return tf.train.Checkpoint(step=self.update.step, **lists, **scale)

    def _take_up(self, progress: Progress) -> None:
        self.progress = progress
        # All workers have read the same; later on their clocks differ, and they vote.
        self._out_of_time = bool(self.config.minutes) and progress.seconds >= 60 * self.config.minutes
        self.pipeline = Pipeline(self.update, self.data, self.config.batch_size, self.config.seed, progress.step)

    def introduce(self) -> None:
        """Print what is trained, on what; write the configuration."""
        config, model = self.config, self.model
        self.journal.say(self.data.describe())
        self.journal.say(
            f"{model.block}, {model.num_blocks} x {model.hidden}, {model.count_params():,} weights; "
            f"{config.optimizer}, batches of {config.batch_size}, XLA {'on' if self.xla else 'off'}; "
            f"{describe(self.strategy)}"
        )
        if self.chief:
            write_json(self.workdir / "config.json", {**as_json(config), "xla": self.xla})

    def run(self, stop: StopRequest) -> bool:
        """Train to the end of the run. Returns False if any worker was told to stop, and has saved all it had done."""
        if self.progress.evaluated < 0:
            self.evaluate()
        while not self._finished():
            self._advance(stop)
            if self._interrupted:
                self.save()
                # Every worker says so: it is what whoever signalled one of them waits for.
                print(f"Stopped at step {self.progress.step}; the same command goes on from there.", flush=True)
                return False
            if self.progress.step % self.config.eval_every == 0:
                self.evaluate()
            elif self.config.checkpoint_every and self.progress.step % self.config.checkpoint_every == 0:
                self.save()
        if self.progress.evaluated != self.progress.step:
            self.evaluate()
        return True

    def evaluate(self) -> None:
        """Score the average on validation images, and keep it if it is the best so far; then save a checkpoint.

        Raises:
            FloatingPointError: if the score is not finite; nothing is saved then.
        """
        progress = self.progress
        score = self.evaluator.score(self.data, "validation", self.config.eval_images)
        if not math.isfinite(score.nats_per_image):
            raise FloatingPointError(f"The validation score at step {progress.step} is {score.nats_per_image}.")
        best = score.nats_per_image < progress.best
        drawn = self._draws_now()
        progress.evaluated, progress.since_best = progress.step, 0 if best else progress.since_best + 1
        self.journal.evaluated(progress, score, best)
        if best:
            progress.best, progress.best_step = score.nats_per_image, progress.step
            if self.chief:
                with written_beside(self.workdir / "model.keras") as beside:
                    self.average.model.save(beside)
                write_card(self, {"validation": score})
        self.save()
        if drawn:
            self.journal.draws(progress, self.average.model, self.config.num_samples, self.config.seed)

    def save(self) -> None:
        """Save a checkpoint; the chief does."""
        now = time.monotonic()
        self.progress.wall_seconds, self._last_save = self.progress.wall_seconds + now - self._last_save, now
        if self.chief:
            self.checkpoints.save(self.progress)

    def _draws_now(self) -> bool:
        """Whether a multiple of `sample_every` lies after the last evaluation, up to this one."""
        every = self.config.sample_every
        if not every or not self.config.num_samples or self.progress.step == 0:
            return False
        return self.progress.step // every > max(self.progress.evaluated, 0) // every

    def _finished(self) -> bool:
        config, progress = self.config, self.progress
        if config.patience and progress.since_best >= config.patience:
            self.journal.say(
                f"Stopped early at step {progress.step}: no better validation score in {progress.since_best} "
                f"evaluations; the best was at step {progress.best_step}."
            )
            return True
        return progress.step >= config.steps or self._out_of_time

    def _advance(self, stop: StopRequest) -> None:
        """Train to the next step after which there is something else to do, or until a worker wants to stop."""
        config, progress = self.config, self.progress
        periods = [every for every in (config.eval_every, config.checkpoint_every) if every]
        end = min(config.steps, *((progress.step // every + 1) * every for every in periods))
        clock = time.monotonic()

        def votes() -> tuple[bool, bool]:
            elapsed = progress.seconds + time.monotonic() - clock
            return stop.signal is not None, bool(config.minutes) and elapsed >= 60 * config.minutes

        for loss, norm, cast in self.pipeline.run(end, votes):
            now = time.monotonic()
            progress.step, progress.seconds, clock = progress.step + 1, progress.seconds + now - clock, now
            self._interrupted, self._out_of_time = bool(cast[0]), bool(cast[1])
            self._log(loss, norm)

    def _log(self, loss: float, norm: float) -> None:
        """Once in `log_seconds`, tell of the steps since the last time."""
        config, progress = self.config, self.progress
        if self._throttle is None:  # The first step was compiled, which says nothing of the rate.
            self._throttle, self._window_start = Throttle(config.log_seconds), progress.seconds
            return
        self._losses.append(loss)
        if not self._throttle():
            return
        # Evaluations are not in `seconds`, so a window may go on over one: the loss is never that of a few steps alone.
        rate = len(self._losses) / max(progress.seconds - self._window_start, 1e-9)
        nats = float(np.mean(self._losses))
        left = (config.steps - progress.step) / rate
        self.journal.trained(
            progress,
            config.steps,
            min(left, 60 * config.minutes - progress.seconds) if config.minutes else left,
            train_nats_per_image=nats,
            train_bits_per_dim=bits_per_dim(nats, self.model.image_shape),
            images_per_second=rate * config.batch_size,
            gradient_norm=norm,
            learning_rate=float(self.optimizer.learning_rate),
        )
        self._losses, self._window_start = [], progress.seconds
