"""Time what a server runs: `python -m export.benchmark [--model=PATH | --preset=NAME] [--out=benchmark.json]`.

Exports a model, or a named network with weights at random, to a temporary folder, and times each of its signatures in
the C++ session of the server; also how long the session takes to load it, and what it takes on disk. Latencies of
different runs, on machines that do other things too, compare with nothing.
"""

import dataclasses
from typing import TYPE_CHECKING

from absl import flags

from export.batch_sizes import batch_sizes, define_batch_sizes
from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.files import write_json

if TYPE_CHECKING:
    from pixelrnn_tf.models import PixelRNN

FLAGS = flags.FLAGS


def define_flags() -> None:
    flags.DEFINE_string("model", None, "A .keras file; by default the network of --preset.")
    flags.DEFINE_string("preset", "mnist_diagonal_bilstm_7x16", "A named network, used without --model.")
    define_batch_sizes((1, 16))
    flags.DEFINE_integer(
        "repeats", 5, "Requests timed after the first, at each size; medians are printed.", lower_bound=1
    )
    flags.DEFINE_string("out", None, "A JSON file for the times.")


def main(_: list[str]) -> None:
    sizes, model = batch_sizes(FLAGS), network()

    from export.checking import latencies

    print(f"{model.block} {model.num_blocks}x{model.hidden}, {model.image_shape}, {model.levels} levels", flush=True)
    times = latencies.time_signatures(model, sizes, FLAGS.repeats)
    latencies.print_times(times)
    if FLAGS.out:
        write_json(FLAGS.out, dataclasses.asdict(times))
        print(FLAGS.out)


def network() -> "PixelRNN":
    """The network of --model, or of --preset.

    Raises:
        ValueError: if there is none.
    """
    from pixelrnn_tf.models import PixelRNN, get_preset
    from pixelrnn_tf.programs import model_files

    if FLAGS.model:
        return model_files.load_model(FLAGS.model)
    return PixelRNN(**get_preset(FLAGS.preset).arguments)


if __name__ == "__main__":
    define_flags()
    program.run(main)
