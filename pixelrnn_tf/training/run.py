"""`train`: a run from its start, or from where it was interrupted, to its report."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf.devices.cluster import tells_of_lost_worker
from pixelrnn_tf.devices.strategies import barrier, is_chief, make_strategy
from pixelrnn_tf.evaluation.batched_sampling import draw_picture
from pixelrnn_tf.evaluation.scoring import Classification, Evaluator, Score
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.training.initialization import network_in
from pixelrnn_tf.training.network import with_batch_size
from pixelrnn_tf.training.report import Results, write_card, write_report
from pixelrnn_tf.training.stop_signals import StopRequest
from pixelrnn_tf.training.trainer import Trainer
from pixelrnn_tf.training.workdir import check_workdir, checked_data, locked, read_config


def train(config: TrainConfig, workdir: str | pathlib.Path, command: str = "") -> dict[str, Score] | None:
    """Train a model, or go on with an interrupted run, and score the best one on whole splits.

    The model that is evaluated and saved, `workdir/model.keras`, is the exponential average of the weights
    with the best validation score. `model.json` beside it says what it was trained on and its scores, and
    `report.md` all there is to say. In a cluster every worker calls this, with a `workdir` on a file system that they
    share; the chief alone writes there.

    Args:
        config: the run.
        workdir: its folder, made if it is not there.
        command: what the user typed, for the report.

    Returns:
        the scores by split, or None if the run was interrupted: the same call goes on with it.

    Raises:
        ValueError: for a configuration that does not fit the data or the devices, or that of another run in
            `workdir`, or one on images that have changed since; or if another program is at work there.
        FloatingPointError: at the first loss or score that is not finite. The last checkpoint stays.
        ConnectionError: if another worker cannot be reached any more.
        OSError: if files cannot be written. Those that were written before are whole.
        MemoryError: if the memory of a device does not hold a step.
    """
    workdir = pathlib.Path(workdir)
    config = _with_network(with_batch_size(config), workdir)
    check_workdir(workdir, config)
    strategy = make_strategy(config.distribution)
    data = checked_data(workdir, config.data.load())
    with _in_plain_words(workdir, strategy), locked(workdir, is_chief(strategy)):
        with StopRequest() as stop:
            trainer = Trainer(config, data, workdir, strategy)
            finished = trainer.run(stop)
        return finish(trainer, command) if finished else None


def _with_network(config: TrainConfig, workdir: pathlib.Path) -> TrainConfig:
    """The run with the network of --init_from, where none is told; the run in `workdir` has noted it."""
    if not config.init_from or config.preset or config.model:
        return config
    path = workdir / "config.json"
    # What a run started from may be gone by the time it is gone on with.
    model = read_config(path).get("model", {}) if path.exists() else network_in(config.init_from)
    return dataclasses.replace(config, model=model)


@contextlib.contextmanager
def _in_plain_words(workdir: pathlib.Path, strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Add to what may go wrong on the way what to do about it."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(
            f"{error} The last good state is in {workdir / 'checkpoints'}. Try a smaller --learning_rate or "
            "--global_clipnorm, or some --warmup_steps, in another --workdir."
        ) from error
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        raise OSError(
            f"Cannot write to {workdir}: {error.strerror or error}. What was written before is whole: make room, and "
            "the same command goes on from the last checkpoint."
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            f"A device has too little memory: {error.message.splitlines()[0]} Take more "
            "--gradient_accumulation_steps or a smaller --batch_size."
        ) from error
    except tf.errors.OpError as error:
        if strategy.cluster_resolver is None or not tells_of_lost_worker(error):
            raise
        raise ConnectionError(
            f"Another worker cannot be reached any more: {error.message.splitlines()[0]} Start all workers anew, with "
            "the same commands: they go on from the last checkpoint."
        ) from error


def finish(trainer: Trainer, command: str) -> dict[str, Score]:
    """Score the best model on whole splits, draw from it, and write the report."""
    config, data, strategy, workdir = trainer.config, trainer.data, trainer.strategy, trainer.workdir
    barrier(strategy)  # The chief has written the model.
    with strategy.scope():
        best = load_model(workdir / "model.keras")
        evaluator = Evaluator(best, jit_compile=trainer.xla)
    scored: list[str] = [split for split in ("validation", "test") if split in data.splits]
    scores = {split: evaluator.score(data, split) for split in scored}
    for split, score in scores.items():
        trainer.journal.say(f"{split} ({data.splits[split].name}): {score}")
    scales = {split: evaluator.by_scale(data, split) for split in scored} if len(best.scales()) > 1 else {}
    for split, terms in scales.items():
        trainer.journal.say(f"{split}: {terms}")
    results = Results(scores, _classification(trainer, evaluator), scales)
    if trainer.chief:
        write_card(workdir, trainer.summary(), results)
        if config.num_samples:
            draw_picture(load_model(workdir / "model.keras"), workdir / "samples.png", config.num_samples, config.seed)
        write_report(workdir, trainer.summary(), results, command)
    barrier(strategy)
    return scores


def _classification(trainer: Trainer, evaluator: Evaluator) -> dict[str, Classification]:
    """By its split, what the best model makes of images without their labels; empty without classes."""
    data = trainer.data
    split = "test" if "test" in data.splits else "validation"
    if not data.classes or split not in data.splits:
        return {}
    found = evaluator.classify(data, split)
    trainer.journal.say(f"{split}: {found}")
    return {split: found}
