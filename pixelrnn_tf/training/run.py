"""Training runs, from start or resumption to the report."""

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
    """Train a model, or resume an interrupted run, and score the best model on full splits.

    The evaluated and saved model, `workdir/model.keras`, is the exponential moving average of the weights with the best
    validation score. `model.json` holds its training data and scores, and `report.md` a full report. In a cluster every
    worker calls this with a `workdir` on a shared file system; only the chief writes there.

    Args:
        config: configuration of the run.
        workdir: folder of the run, created if it does not exist.
        command: command line of the user, for the report.

    Returns:
        the scores by split, or None if the run was interrupted. Call again to resume it.

    Raises:
        ValueError: for a configuration that does not fit the data or the devices, or differs from that of the run in
            `workdir`; if the images have changed since that run began; or if another program uses the folder.
        FloatingPointError: if a loss or score is not finite. The last checkpoint is kept.
        ConnectionError: if another worker is lost.
        OSError: if files cannot be written. Earlier files stay intact.
        MemoryError: if a step does not fit into the memory of a device.
    """
    workdir = pathlib.Path(workdir)
    config = with_batch_size(config)
    strategy = make_strategy(config.distribution)  # First, since reading --init_from starts TensorFlow.
    config = _with_network(config, workdir)
    check_workdir(workdir, config)
    data = checked_data(workdir, config.data.load())
    with _in_plain_words(workdir, strategy), locked(workdir, is_chief(strategy)):
        with StopRequest() as stop:
            trainer = Trainer(config, data, workdir, strategy)
            finished = trainer.run(stop)
        return finish(trainer, command) if finished else None


def _with_network(config: TrainConfig, workdir: pathlib.Path) -> TrainConfig:
    """Complete the network by that of --init_from, without a preset; the run in `workdir` has recorded it."""
    if not config.init_from or config.preset:
        return config
    path = workdir / "config.json"
    # The source of the initial weights may be gone when the run resumes.
    model = read_config(path).get("model", {}) if path.exists() else network_in(config.init_from)
    return dataclasses.replace(config, model={**model, **config.model})


@contextlib.contextmanager
def _in_plain_words(workdir: pathlib.Path, strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Add advice to the errors of a run."""
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
            f"Cannot write to {workdir}: {error.strerror or error}. Earlier files are intact: free space, then "
            "the same command resumes from the last checkpoint."
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            f"A device is out of memory: {error.message.splitlines()[0]} Use more "
            "--gradient_accumulation_steps or a smaller --batch_size."
        ) from error
    except tf.errors.OpError as error:
        if strategy.cluster_resolver is None or not tells_of_lost_worker(error):
            raise
        raise ConnectionError(
            f"Another worker is lost: {error.message.splitlines()[0]} Restart all workers with "
            "the same commands: they resume from the last checkpoint."
        ) from error


def finish(trainer: Trainer, command: str) -> dict[str, Score]:
    """Score the best model on full splits, draw from it, and write the report."""
    config, data, strategy, workdir = trainer.config, trainer.data, trainer.strategy, trainer.workdir
    barrier(strategy)  # Wait until the chief has written the model.
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
        trainer.journal.draw_curve()  # Also of a run that was finished without Matplotlib.
        if config.num_samples:
            draw_picture(load_model(workdir / "model.keras"), workdir / "samples.png", config.num_samples, config.seed)
        write_report(workdir, trainer.summary(), results, command)
    barrier(strategy)
    return scores


def _classification(trainer: Trainer, evaluator: Evaluator) -> dict[str, Classification]:
    """Classify images without their labels with the best model, by split; empty without classes."""
    data = trainer.data
    split = "test" if "test" in data.splits else "validation"
    if not data.classes or split not in data.splits:
        return {}
    found = evaluator.classify(data, split)
    trainer.journal.say(f"{split}: {found}")
    return {split: found}
