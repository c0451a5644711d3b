"""Time training and sampling: `python -m trainers.benchmark [--parts=training,profile,loop,...]`.

training     steps of the networks of the paper's sizes, beside a baseline and beside what a plain product reaches
classes      steps of networks that are given classes, beside the same networks without
profile      where the time of the Diagonal BiLSTM's steps goes, operation by operation, on one core
loop         the loop of `trainers.train` beside Keras's `fit`
growth       steps for growing images and depth
scaling      the loop on two cores, by one process, two replicas and two workers, beside one core
costs        operations, memory and traffic of the networks of ImageNet's size, computed and not measured
loss         memory of the loss and its gradient at 256 levels, beside TensorFlow's own
sampling     drawing a batch of --preset for growing images, beside a naive sampler
compression  compressing and decompressing with --preset, beside drawing and scoring as many images
start        from a cold process to an image drawn by --preset, part by part

Everything that is compared runs in one process, in turns where it can; figures of different runs, on machines that do
other things too, compare with nothing. Leaves benchmark.json and growth.png in --out.
"""

import dataclasses
import pathlib
from typing import Any

from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.files import write_json
from pixelrnn_tf.programs.flags import check, option, options_in
from trainers.config import NetworkArguments

PARTS = (
    "training", "classes", "profile", "loop", "growth", "scaling", "costs", "loss", "sampling", "compression", "start",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Options:
    """What to time, and how often."""

    parts: tuple[str, ...] = option(f"What to time, of {', '.join(PARTS)}.", PARTS, form="names, such as loop,growth")
    out: pathlib.Path = option(
        "Folder for benchmark.json and growth.png.", pathlib.Path("runs/benchmark"), written="folder"
    )
    rounds: int = option("Rounds of training steps; medians are printed.", 7, at_least=1, at_most=10_000)
    sizes: tuple[str, ...] = option(
        "Sizes of the images drawn, HEIGHTxWIDTH, or one for both.",
        ("14", "28", "56", "112x28"),
        form="sizes, such as 28,112x28",
    )
    batch_size: int = option("Images drawn per batch.", 16, at_least=1, at_most=100_000)
    jit_compile: str = option("Whether XLA compiles the samplers.", "both", choices=("true", "false", "both"))
    repeats: int = option("Batches drawn; medians are printed.", 5, at_least=1, at_most=10_000)
    naive_pixels: int = option(
        "Sub-pixels the naive sampler is timed for; 0 leaves it out.", 5, at_least=0, at_most=100_000
    )
    preset: str = option(
        "A named network to draw with; the flags below replace its arguments.",
        "mnist_diagonal_bilstm_7x16",
        group="Network",
    )
    network: dict[str, Any] = options_in(NetworkArguments, as_dict=True)

    def __post_init__(self):
        check(self)
        unknown = sorted(set(self.parts) - set(PARTS))
        if unknown:
            raise ValueError(f"--parts has {', '.join(unknown)}; it may have {', '.join(PARTS)}.")
        self.image_sizes()

    def image_sizes(self) -> list[tuple[int, int]]:
        """Height and width of the images drawn."""
        return [_size(text) for text in self.sizes]


def _size(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdigit() and 0 < int(part) <= 4096 for part in parts):
        raise ValueError(f"--sizes has {text!r}; a size is HEIGHTxWIDTH, such as 112x28, or one number for both.")
    return int(parts[0]), int(parts[-1])


def main(options: Options) -> None:
    import tensorflow as tf

    from pixelrnn_tf.models import get_preset
    from trainers.benchmarks import (
        classes,
        compression,
        costs,
        growth,
        loop_vs_fit,
        loss,
        lstm_profile,
        sampling,
        scaling,
        start,
        training,
    )
    from trainers.benchmarks.memory import reserve_block

    devices = [device.name for device in tf.config.list_logical_devices()]
    print(f"TensorFlow {tf.__version__} on {', '.join(devices)}")
    reserve_block()
    drawn = {**get_preset(options.preset).arguments, **options.network}
    modes = {"true": [True], "false": [False], "both": [False, True]}[options.jit_compile]
    run = {
        "training": lambda: training.run(options.rounds),
        "classes": lambda: classes.run(options.rounds),
        "profile": lambda: lstm_profile.run(options.rounds),
        "loop": lambda: loop_vs_fit.run(options.rounds),
        "growth": lambda: growth.run(options.rounds, options.out / "growth.png"),
        "scaling": lambda: scaling.run(options.rounds),
        "costs": costs.run,
        "loss": loss.run,
        "sampling": lambda: sampling.run(
            drawn, options.image_sizes(), options.batch_size, modes, options.repeats, options.naive_pixels
        ),
        "compression": lambda: compression.run(drawn, options.repeats),
        "start": lambda: start.run(options.rounds, options.preset),
    }
    results: dict[str, Any] = {"tensorflow": tf.__version__, "devices": devices}
    for part in PARTS:
        if part in options.parts:
            print(flush=True)
            results[part] = run[part]()
            write_json(options.out / "benchmark.json", results)
    print(f"\n{options.out / 'benchmark.json'}")


if __name__ == "__main__":
    program.run(main, Options)
