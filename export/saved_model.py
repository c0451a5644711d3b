"""Turn a `.keras` model or a preset into a SavedModel for TensorFlow Serving.

`python -m export.saved_model --model=PATH --out=BASE/NAME` writes `BASE/NAME/<version>/`, the next number, with
the signatures of `export.signatures`, a warm-up request for each of them, and what is known of the model.
"""

import dataclasses
import pathlib

from export.serving.versions import check_model_dir
from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """What to export, and where to."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.", existing="model")
    out: pathlib.Path = option("BASE/NAME: the folder that holds the versions of the model NAME.")

    def __post_init__(self):
        check(self)
        check_model_dir(self.out)


def main(options: Options) -> None:
    from export.saved_model_writer import export_model, size_on_disk
    from export.signatures import Signatures
    from pixelrnn_tf.programs.model_files import card_of, load_model

    model, card = load_model(options.model), card_of(options.model)
    if not card:
        print(f"There is no model.json beside {options.model}: the export will not say what the model was trained on.")
    version = export_model(model, options.out, card)
    print(f"{version}: {', '.join(Signatures(model).inputs)}; {size_on_disk(version):,} bytes")
    print(f"Check it with: python -m export.check --model_dir={version} --model={options.model}")


if __name__ == "__main__":
    program.run(main, Options)
