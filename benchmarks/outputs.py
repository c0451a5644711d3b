"""Compare the softmax with the logistic mixture: `python -m benchmarks.outputs [--data=tfds:cifar10,...]`.

Trains a PixelCNN per data set and seed: with the softmax, with the mixture for as many steps, and with the mixture for
as much processor time as the softmax took. Everything else is equal: Adam with a cosine schedule to 0, batches of 16,
no XLA. Prints the score of the first validation images, processor time per step and peak memory of a step. Writes
outputs.json to --out after every run. The defaults take about an hour of processor time.
"""

import dataclasses
import pathlib
import resource
import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option
from pixelrnn_tf.files import write_json

if TYPE_CHECKING:
    from pixelrnn_tf.training.step_queue import StepQueue

# Arguments of the network by data set.
NETWORKS: dict[str, dict[str, Any]] = {
    "digits": {"num_blocks": 4, "hidden": 32, "head_hidden": 64},
    "tfds:fashion_mnist": {"num_blocks": 4, "hidden": 32, "head_hidden": 64},
    "tfds:cifar10": {"num_blocks": 3, "hidden": 48, "head_hidden": 96},
}
BATCH_SIZE = 16
WARMUP, TIMED = 3, 20  # Steps: before the clock starts, and to estimate how many a processor time allows.


@dataclasses.dataclass(frozen=True)
class Options:
    """Data sets and lengths of the runs."""

    data: tuple[str, ...] = option(f"Data sets, of {', '.join(NETWORKS)}.", tuple(NETWORKS), form="names")
    steps: int = option("Steps of the softmax.", 800, at_least=1, at_most=10_000_000)
    seeds: int = option("Seeds, from 0.", 3, at_least=1, at_most=1000)
    eval_images: int = option("Validation images that are scored.", 1000, at_least=1, at_most=1_000_000)
    out: pathlib.Path = option("Folder for outputs.json.", pathlib.Path("runs/outputs"), written="folder")

    def __post_init__(self):
        check(self)
        unknown = sorted(set(self.data) - set(NETWORKS))
        if unknown:
            raise ValueError(f"--data must be among {', '.join(NETWORKS)}; got {', '.join(unknown)}.")


def processor_seconds() -> float:
    """Processor time of this process so far, over all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def steps_in(seconds: float, data: Any, arguments: dict[str, Any], seed: int) -> int:
    """Estimate how many steps take so much processor time; the arguments are those of `train_and_score`."""
    from benchmarks.training_loop import run_steps

    timed = _queue(data, arguments, 100, seed)
    run_steps(timed, WARMUP)
    start = processor_seconds()
    run_steps(timed, TIMED)
    return max(1, round(seconds * TIMED / (processor_seconds() - start)))


def train_and_score(data: Any, arguments: dict[str, Any], seed: int, eval_images: int, steps: int) -> dict[str, Any]:
    """Train a network and score it.

    Args:
        data: an `ImageData`.
        arguments: arguments of `PixelRNN`.
        seed: seed of the weights and of the order of the images.
        eval_images: number of validation images to score.
        steps: number of steps.

    Returns:
        `steps`, their total `seconds` of processor time, `seconds_per_step`, `peak_bytes` of a step, `bits_per_dim` of
        the averaged weights, and `parameters`.
    """
    from benchmarks.memory import peak_bytes
    from benchmarks.training_loop import run_steps
    from pixelrnn_tf.evaluation.scoring import Evaluator

    queue = _queue(data, arguments, steps, seed)
    first = min(WARMUP, steps)
    run_steps(queue, first)
    start = processor_seconds()
    run_steps(queue, steps - first)
    taken = (processor_seconds() - start) / max(1, steps - first)
    score = Evaluator(queue.step.average.model).score(data, "validation", eval_images)
    return {
        "steps": steps,
        "seconds": taken * steps,
        "seconds_per_step": taken,
        "bits_per_dim": score.bits_per_dim,
        "parameters": queue.step.model.count_params(),
        "peak_bytes": peak_bytes(lambda: run_steps(queue, 1)),
    }


def _queue(data: Any, arguments: dict[str, Any], steps: int, seed: int) -> "StepQueue":
    """Make a training loop whose learning rate falls to 0 over `steps` steps."""
    import keras

    from benchmarks.training_loop import training_queue

    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    return training_queue(arguments, data, BATCH_SIZE, jit_compile="false", optimizer=optimizer, seed=seed)


def compare(name: str, options: Options) -> Iterator[dict[str, Any]]:
    """Train on one data set with both outputs.

    Yields:
        for every run the result of `train_and_score`, and `data`, `equal` ("steps" or "time"), `seed` and `output`.
    """
    from pixelrnn_cli.data_config import DataConfig

    data = DataConfig(name=name).load()
    arguments = {"image_shape": data.image_shape, "levels": data.levels, "block": "pixel_cnn", **NETWORKS[name]}
    softmax, mixture = ({**arguments, "output": output} for output in ("softmax", "logistic_mixture"))
    for seed in range(options.seeds):

        def run(equal: str, arguments: dict[str, Any], steps: int, seed: int = seed) -> dict[str, Any]:
            result = train_and_score(data, arguments, seed, options.eval_images, steps)
            return {"data": name, "equal": equal, "seed": seed, "output": arguments["output"], **result}

        yield (first := run("steps", softmax, options.steps))
        yield run("steps", mixture, options.steps)
        yield run("time", mixture, steps_in(first["seconds"], data, mixture, seed))


def line(run: dict[str, Any]) -> str:
    """Format a run as a line of text."""
    from benchmarks.memory import mebibytes

    return (
        f"{run['data']:<19} equal {run['equal']:<5} seed {run['seed']} {run['output']:<16} "
        f"{run['parameters']:>7,} parameters {run['steps']:>6,} steps {run['seconds']:7.1f} s "
        f"{1e3 * run['seconds_per_step']:6.1f} ms/step {mebibytes(run['peak_bytes']):>5} MiB "
        f"{run['bits_per_dim']:.4f} bits/dim"
    )


def summary(runs: Sequence[dict[str, Any]]) -> str:
    """Format the mean over the seeds, with the smallest and the largest score, as a Markdown table."""
    from benchmarks.memory import mebibytes

    lines = [
        "| data | equal | output | parameters | steps | processor time | per step | peak memory | bits/dim |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["data"], run["equal"], run["output"]), []).append(run)
    for (data, equal, output), group in groups.items():
        mean = {key: statistics.fmean(run[key] for run in group) for key in ("steps", "seconds", "seconds_per_step")}
        scores = [run["bits_per_dim"] for run in group]
        lines.append(
            f"| {data} | {equal} | {output} | {group[0]['parameters']:,} | {mean['steps']:,.0f} "
            f"| {mean['seconds']:.0f} s | {1e3 * mean['seconds_per_step']:.0f} ms "
            f"| {mebibytes(group[0]['peak_bytes'])} MiB "
            f"| {statistics.fmean(scores):.3f} ({min(scores):.3f} to {max(scores):.3f}) |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    from benchmarks.memory import reserve_block

    reserve_block()
    runs: list[dict[str, Any]] = []
    for name in options.data:
        for run in compare(name, options):
            runs.append(run)
            print(line(run), flush=True)
            write_json(options.out / "outputs.json", runs)
    print(f"\nmean over {options.seeds} seeds\n{summary(runs)}\n\n{options.out / 'outputs.json'}")


if __name__ == "__main__":
    program.run(main, Options)
