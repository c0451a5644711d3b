"""Time training, sampling, compression and start-up: `python -m benchmarks [--parts=training,sampling,...]`.

training     steps of the networks of the paper's sizes, next to a baseline and to a plain product
scaling      the training loop on two cores, by one process, two replicas and two workers, next to one core
sampling     drawing a batch of --preset for growing images, next to a naive sampler
compression  compressing and decompressing with --preset, next to drawing and scoring as many images
start        from a cold process to an image drawn by --preset, part by part

Compared variants run in one process, in turns where possible. Timings are only comparable within one run on an
otherwise idle machine. Writes benchmark.json to --out.
"""

import dataclasses
import pathlib
from typing import Any

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option, options_in
from pixelrnn_cli.train_config import NetworkArguments
from pixelrnn_tf.files import write_json

PARTS = ("training", "scaling", "sampling", "compression", "start")


@dataclasses.dataclass(frozen=True)
class Options:
    """Choice of timings and repetitions."""

    parts: tuple[str, ...] = option(
        f"Parts to time: {', '.join(PARTS)}.", PARTS, form="names, such as training,sampling"
    )
    out: pathlib.Path = option("Folder for benchmark.json.", pathlib.Path("runs/benchmark"), written="folder")
    rounds: int = option("Rounds of training steps; medians are printed.", 7, at_least=1, at_most=10_000)
    sizes: tuple[str, ...] = option(
        "Sizes of the images drawn, HEIGHTxWIDTH, or one number for both.",
        ("14", "28", "56", "112x28"),
        form="sizes, such as 28,112x28",
    )
    batch_size: int = option("Images drawn per batch.", 16, at_least=1, at_most=100_000)
    jit_compile: str = option("Compile the samplers with XLA.", "both", choices=("true", "false", "both"))
    repeats: int = option("Batches drawn; medians are printed.", 5, at_least=1, at_most=10_000)
    naive_pixels: int = option(
        "Sub-pixels for which the naive sampler is timed; 0 omits it.", 5, at_least=0, at_most=100_000
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
            raise ValueError(f"--parts must be among {', '.join(PARTS)}; got {', '.join(unknown)}.")
        self.image_sizes()

    def image_sizes(self) -> list[tuple[int, int]]:
        """Heights and widths of the images drawn."""
        return [_size(text) for text in self.sizes]


def _size(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdigit() and 0 < int(part) <= 4096 for part in parts):
        raise ValueError(f"--sizes must be HEIGHTxWIDTH, such as 112x28, or one number for both; got {text!r}.")
    return int(parts[0]), int(parts[-1])


def main(options: Options) -> None:
    import tensorflow as tf

    from benchmarks import compression, sampling, scaling, start, training
    from benchmarks.memory import reserve_block
    from pixelrnn_tf.models import get_preset

    devices = [device.name for device in tf.config.list_logical_devices()]
    print(f"TensorFlow {tf.__version__} on {', '.join(devices)}")
    reserve_block()
    drawn = {**get_preset(options.preset).arguments, **options.network}
    modes = {"true": [True], "false": [False], "both": [False, True]}[options.jit_compile]
    run = {
        "training": lambda: training.run(options.rounds),
        "scaling": lambda: scaling.run(options.rounds),
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
