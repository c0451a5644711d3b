"""Export a `.keras` model or a preset as a SavedModel for TensorFlow Serving.

`python -m export.saved_model --model=PATH --out=BASE/NAME` writes `BASE/NAME/<version>/`, the next version, with the
signatures of `pixelrnn_tf.serving.signatures`, a warm-up request for each of them, and the metadata of the model.
"""

import dataclasses
import pathlib
import shlex

from pixelrnn_cli import program
from pixelrnn_cli.command import call
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """Model to export, and output."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    out: pathlib.Path = option("BASE/NAME: the folder that holds the versions of the model NAME.")
    max_batch_size: int = option(
        "Maximum number of images of a request; larger requests are rejected.", 256, at_least=1, at_most=100_000
    )

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.programs.example_images import examples_of
    from pixelrnn_tf.programs.model_files import card_of
    from pixelrnn_tf.serving.saved_model_writer import export_model, size_on_disk
    from pixelrnn_tf.serving.signatures import Signatures
    from pixelrnn_tf.serving.versions import check_model_dir

    check_model_dir(options.out)
    model, card = load_model(options.model), card_of(options.model)
    if not card:
        where = shlex.quote(str(options.model))
        print(f"There is no model.json next to {where}: the export will not name the training data.")
    version = export_model(model, options.out, card, options.max_batch_size, examples_of(model, options.model))
    print(f"{version}: {', '.join(Signatures(model).inputs)}; {size_on_disk(version):,} bytes")
    print(f"Requests of up to {options.max_batch_size} images are served, by --max_batch_size.")
    where, source = shlex.quote(str(version)), shlex.quote(str(options.model))
    print(f"Check it with: {call('check')} --model_dir={where} --model={source}")


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
