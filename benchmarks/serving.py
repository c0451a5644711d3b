"""Time what a server runs: `python -m benchmarks.serving [--model=PATH | --preset=NAME] [--out=times.json]`.

Exports a model, or an untrained named network, to a temporary folder, and times each of its signatures in the C++
session of the server, the time to load it, and its size on disk. Timings are only comparable within one run on an
otherwise idle machine.
"""

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option
from pixelrnn_cli.shared_options import batch_sizes_option, check_batch_sizes
from pixelrnn_tf.files import write_json

if TYPE_CHECKING:
    from pixelrnn_tf.models import PixelRNN


@dataclasses.dataclass(frozen=True)
class Options:
    """Model to time, and repetitions."""

    model: pathlib.Path | None = option(
        "A .keras file, or the name of a preset with weights; by default --preset.", None
    )
    preset: str = option("A named network, untrained, used without --model.", "mnist_diagonal_bilstm_7x16")
    batch_sizes: tuple[int, ...] = batch_sizes_option((1, 16))
    repeats: int = option(
        "Requests timed after the first, at each size; medians are printed.", 5, at_least=1, at_most=100_000
    )
    out: pathlib.Path | None = option("File for the times.", None, endings=(".json",))

    def __post_init__(self):
        check(self)
        check_batch_sizes(self.batch_sizes)


def main(options: Options) -> None:
    from benchmarks import latencies

    model = network(options)
    print(f"{model.block} {model.num_blocks}x{model.hidden}, {model.image_shape}, {model.levels} levels", flush=True)
    times = latencies.time_signatures(model, options.batch_sizes, options.repeats)
    latencies.print_times(times)
    if options.out:
        write_json(options.out, dataclasses.asdict(times))
        print(options.out)


def network(options: Options) -> "PixelRNN":
    """Load the network of `model`, or make that of `preset`.

    Raises:
        ValueError: if there is no such network.
    """
    from pixelrnn_tf.models import PixelRNN, get_preset
    from pixelrnn_tf.models.loading import load_model

    return load_model(options.model) if options.model else PixelRNN(**get_preset(options.preset).arguments)


if __name__ == "__main__":
    program.run(main, Options)
