"""Training loop: steps, evaluations and checkpoints."""

import contextlib
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf.data import ImageData
from pixelrnn_tf.devices.strategies import describe, is_chief, uses_xla
from pixelrnn_tf.evaluation.scoring import Evaluator
from pixelrnn_tf.files import write_json, written_beside
from pixelrnn_tf.models import bits_per_dim
from pixelrnn_tf.training import stages
from pixelrnn_tf.training.checkpoints import Checkpoints, Progress
from pixelrnn_tf.training.ema import ExponentialMovingAverage
from pixelrnn_tf.training.initialization import start_from
from pixelrnn_tf.training.journal import Journal, Window
from pixelrnn_tf.training.network import make_model, network_arguments
from pixelrnn_tf.training.optimizers import LossScale, make_optimizer
from pixelrnn_tf.training.report import Results, RunSummary, write_card
from pixelrnn_tf.training.step_queue import StepQueue
from pixelrnn_tf.training.stop_signals import StopRequest
from pixelrnn_tf.training.train_step import TrainStep
from pixelrnn_tf.training.workdir import CLASSES, FINGERPRINT, as_json


class Trainer:
    """Trainer of a model over the replicas of a strategy, with everything that a checkpoint saves.

    It starts from the newest complete checkpoint of its working directory; otherwise from given or new weights. Every
    worker of a cluster creates one and calls the same methods. All come to the same decisions, since they use numbers
    that were summed over the workers.

    Args:
        config: configuration of the run, with a batch size.
        data: images of the run.
        workdir: folder of the run. Nothing is written there before the full configuration has been checked.
        strategy: strategy of the run; TensorFlow's default strategy by default.

    Raises:
        ValueError: for a configuration that does not fit the data, the devices or the initial weights; or if all
            checkpoints are broken.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: ImageData,
        workdir: pathlib.Path,
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.config, self.data, self.workdir = config, data, workdir
        # Record of the initial weights, made when the run starts and read when it resumes.
        self.started_from = stages.read(workdir)
        self.strategy = strategy or tf.distribute.get_strategy()
        self.chief = is_chief(self.strategy)
        config.check_batch(self.strategy.num_replicas_in_sync)
        keras.utils.set_random_seed(config.seed)
        with self.strategy.scope():
            self.model = make_model(network_arguments(config, data))
            self.xla = uses_xla(config.jit_compile, self.model.block)
            self.average = ExponentialMovingAverage(self.model, config.ema_decay)
            self.optimizer = make_optimizer(config, self.model.trainable_variables)
            self.loss_scale = LossScale() if config.dtype_policy == "mixed_float16" else None
            self.step = TrainStep(
                self.model,
                self.optimizer,
                self.average,
                global_clipnorm=config.global_clipnorm,
                gradient_accumulation_steps=config.gradient_accumulation_steps,
                jit_compile=self.xla,
                loss_scale=self.loss_scale,
                dropout=config.dropout,
                seed=config.seed,
            )
            self.evaluator = Evaluator(self.average.model, jit_compile=self.xla)
        names = [weight.path.partition("/")[2] for weight in self.model.weights]
        self.checkpoints = Checkpoints(workdir / "checkpoints", self._state(), names)
        self.progress, news = self._starting_point()
        self.queue = StepQueue(
            self.step, data, config.images_per_step, config.seed, self.progress.step, config.mutation_rate
        )
        self.journal = Journal(workdir, self.progress.step, self.chief)
        for line in news:
            self.journal.say(line)
        # All workers have read the same progress; later their clocks differ, so they vote.
        self._interrupted, self._out_of_time = False, self._minutes_are_over(self.progress.seconds)
        self._last_save, self._window = time.monotonic(), Window(config.log_seconds)

    def _state(self) -> tf.train.Checkpoint:
        # A flat list of variables does not depend on how layers name their attributes.
        parts = {"model": self.model.weights, "average": self.average.model.weights}
        parts["optimizer"] = self.optimizer.variables
        lists = {name: [variable.value for variable in variables] for name, variables in parts.items()}
        scale = {"loss_scale": self.loss_scale} if self.loss_scale else {}
        return tf.train.Checkpoint(step=self.step.step, **lists, **scale)

    def _starting_point(self) -> tuple[Progress, list[str]]:
        """Load the newest complete checkpoint or given weights; return the progress and messages."""
        restored = self.checkpoints.restore()
        if restored:
            progress, warnings = restored
            news = [f"Warning: {warning}" for warning in warnings]
            return progress, [*news, f"Resuming from step {progress.step} of {self.workdir}."]
        if not self.config.init_from:
            return Progress(), []
        with self.strategy.scope():
            digest = start_from(self.model, self.config.init_from)
            self.average.restart()
        self.started_from = stages.started_from(self.config.init_from, digest)
        return Progress(), [f"Starting from the weights of {self.config.init_from}."]

    def summary(self) -> RunSummary:
        """Summarize the run so far."""
        return RunSummary(
            config=self.config,
            data=self.data,
            network=network_arguments(self.config, self.data),
            parameters=self.model.count_params(),
            progress=self.progress,
            devices=describe(self.strategy),
            xla=self.xla,
            started_from=self.started_from,
        )

    def run(self, stop: StopRequest) -> bool:
        """Train to the end of the run. Return False, after saving, if any worker received a signal to stop."""
        with contextlib.closing(self.journal):
            self._introduce()
            # At the start, or where a signal came just before an evaluation.
            if self.progress.evaluated != self.progress.step and self.progress.step % self.config.eval_every == 0:
                self.evaluate()
            while not self._finished():
                self._clock, self._processor_clock = time.monotonic(), time.process_time()
                for loss, norm, votes in self.queue.run(self._next_pause(), lambda: self._votes(stop)):
                    self._count(loss, norm, votes)
                if self._interrupted:
                    self.save()
                    # Every worker prints this, for whoever sent it the signal.
                    print(f"Stopped at step {self.progress.step}; resume with the same command.", flush=True)
                    return False
                if self.progress.step % self.config.eval_every == 0:
                    self.evaluate()
                elif self.config.checkpoint_every and self.progress.step % self.config.checkpoint_every == 0:
                    self.save()
            if self.progress.evaluated != self.progress.step:
                self.evaluate()
            return True

    def _introduce(self) -> None:
        """Print the data and the network; write the configuration."""
        config, model = self.config, self.model
        self.journal.say(self.data.describe())
        self.journal.say(
            f"{model.block}, {model.num_blocks} x {model.hidden}, {model.count_params():,} parameters; "
            f"{config.optimizer}, batches of {config.batch_size}, XLA {'on' if self.xla else 'off'}; "
            f"{describe(self.strategy)}"
        )
        if self.chief:
            noted = {"xla": self.xla, FINGERPRINT: dict(self.data.fingerprint), CLASSES: list(self.data.classes)}
            noted |= {stages.STARTED_FROM: self.started_from} if self.started_from else {}
            write_json(self.workdir / "config.json", {**as_json(config), **noted})

    def evaluate(self) -> None:
        """Score the average on validation images, save the model if it is the best so far, and save a checkpoint.

        Raises:
            FloatingPointError: if the score is not finite; then nothing is saved.
        """
        progress = self.progress
        try:
            score = self.evaluator.score(self.data, "validation", self.config.eval_images)
        except FloatingPointError as error:
            raise FloatingPointError(f"At step {progress.step}: {error}") from error
        # What a background network starts from has better scores, but has not seen mutated images.
        untrained = self.config.mutation_rate > 0 and progress.best_step == 0
        best = progress.best is None or untrained or score.nats_per_image < progress.best
        drawn = self._draws_now()
        progress.evaluated, progress.since_best = progress.step, 0 if best else progress.since_best + 1
        self.journal.evaluated(progress, score, best)
        if best:
            progress.best, progress.best_step = score.nats_per_image, progress.step
            if self.chief:
                with written_beside(self.workdir / "model.keras") as beside:
                    self.average.model.save(beside)
                    # Before the model gets its name, so that a full disk leaves the earlier pair.
                    write_card(self.workdir, self.summary(), Results({"validation": score}))
        self.save()
        if drawn:
            self.journal.draws(progress, self.average.model, self.config.num_samples, self.config.seed)

    def save(self) -> None:
        """Save a checkpoint, on the chief."""
        now = time.monotonic()
        self.progress.wall_seconds, self._last_save = self.progress.wall_seconds + now - self._last_save, now
        if self.chief:
            self.checkpoints.save(self.progress)

    def _draws_now(self) -> bool:
        """Return True if a multiple of `sample_every` is after the last evaluation and not after this one."""
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

    def _next_pause(self) -> int:
        """Next step after which an evaluation or a checkpoint is due."""
        periods = [every for every in (self.config.eval_every, self.config.checkpoint_every) if every]
        return min(self.config.steps, *((self.progress.step // every + 1) * every for every in periods))

    def _votes(self, stop: StopRequest) -> tuple[bool, bool]:
        """Votes of this worker: to stop because of a signal, and because its time is over."""
        elapsed = self.progress.seconds + time.monotonic() - self._clock
        return stop.signal is not None, self._minutes_are_over(elapsed)

    def _minutes_are_over(self, seconds: float) -> bool:
        return bool(self.config.minutes) and seconds >= 60 * self.config.minutes

    def _count(self, loss: float, norm: float, votes: np.ndarray) -> None:
        """Record a finished step and the votes of all workers."""
        now, used, progress = time.monotonic(), time.process_time(), self.progress
        progress.step += 1
        progress.seconds += now - self._clock
        progress.processor_seconds += used - self._processor_clock
        self._clock, self._processor_clock = now, used
        self._interrupted, self._out_of_time = bool(votes[0]), bool(votes[1])
        self.journal.stepped(progress, self.config.steps)
        told = self._window.add(loss, progress.seconds)
        if told:
            self._tell(*told, norm)

    def _tell(self, nats: float, rate: float, norm: float) -> None:
        """Report the steps since the last report: their mean loss and speed."""
        config, progress = self.config, self.progress
        left = (config.steps - progress.step) / rate
        self.journal.trained(
            progress,
            config.steps,
            min(left, 60 * config.minutes - progress.seconds) if config.minutes else left,
            train_nats_per_image=nats,
            train_bits_per_dim=bits_per_dim(nats, self.model.image_shape),
            images_per_second=rate * config.images_per_step,
            gradient_norm=norm,
            learning_rate=float(self.optimizer.learning_rate),
        )
