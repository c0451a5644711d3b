"""Turn a `.keras` model into a SavedModel for TensorFlow Serving.

`python -m export.saved_model --model=PATH --out=BASE/NAME` writes `BASE/NAME/<version>/`, the next number, with
the signatures of `export.signatures`, a warm-up request for each of them, and what is known of the model.
"""

import os
import pathlib
from typing import Any

from absl import flags

from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.files import read_json

FLAGS = flags.FLAGS


def define_flags() -> None:
    flags.DEFINE_string("model", None, "A .keras file.", required=True)
    flags.DEFINE_string("out", None, "BASE/NAME: the folder that holds the versions of the model NAME.", required=True)


def main(_: list[str]) -> None:
    from export.saved_model_writer import export_model, size_on_disk
    from export.signatures import Signatures
    from pixelrnn_tf.programs import model_files

    model, card = model_files.load_model(FLAGS.model), card_beside(FLAGS.model)
    if not card:
        print(f"There is no model.json beside {FLAGS.model}: the export will not say what the model was trained on.")
    version = export_model(model, FLAGS.out, card)
    print(f"{version}: {', '.join(Signatures(model).inputs)}; {size_on_disk(version):,} bytes")
    print(f"Check it with: python -m export.check --model_dir={version} --model={FLAGS.model}")


def card_beside(model_path: str | os.PathLike) -> dict[str, Any]:
    """The `model.json` that training writes beside a model: data, binarisation, scores. Empty without one."""
    path = pathlib.Path(model_path).with_name("model.json")
    return read_json(path) if path.is_file() else {}


if __name__ == "__main__":
    define_flags()
    program.run(main)
