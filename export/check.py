"""Check an export for TensorFlow Serving: `python -m export.check --model_dir=BASE/NAME/1 [--model=PATH]`.

Reads the graphs for operations that a server cannot or should not run. Then calls every signature, and the warm-up
requests, through the C++ loader of the server in a separate process: a C++ program if there is a compiler, otherwise
Python with XLA disabled. With --model, results are compared with that model, otherwise with the logits of the export.
The exit status is 0 if all is right, and 1 if not.
"""

import dataclasses
import pathlib
import sys

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option
from pixelrnn_cli.shared_options import batch_sizes_option, check_batch_sizes


@dataclasses.dataclass(frozen=True)
class Options:
    """Export to check, model to compare with, and batch sizes."""

    model_dir: pathlib.Path = option("BASE/NAME/VERSION, or BASE/NAME for its newest version.")
    model: pathlib.Path | None = option("The .keras file or preset it was exported from.", None)
    batch_sizes: tuple[int, ...] = batch_sizes_option((1, 3, 64))

    def __post_init__(self):
        check(self)
        check_batch_sizes(self.batch_sizes)


def main(options: Options) -> None:
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.serving.check import report
    from pixelrnn_tf.serving.versions import version_dir

    folder = version_dir(options.model_dir)
    model = load_model(options.model) if options.model else None
    right = report.check(folder, model, options.batch_sizes)
    print(f"\n{folder}: {'ready to be served.' if right else 'NOT fit to be served.'}")
    sys.exit(0 if right else 1)


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
