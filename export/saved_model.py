"""Turn a `.keras` model into a SavedModel for TensorFlow Serving.

`python -m export.saved_model --model=PATH --out=BASE/NAME` writes `BASE/NAME/<version>/`, the next number, with
the signatures of `export.signatures`, a warm-up request for each of them, and what is known of the model.
"""

import dataclasses
import os
import pathlib
from typing import Any

from export.serving.versions import check_model_dir
from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.files import read_json
from pixelrnn_tf.programs.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """What to export, and where to."""

    model: pathlib.Path = option("A .keras file.")
    out: pathlib.Path = option("BASE/NAME: the folder that holds the versions of the model NAME.")

    def __post_init__(self):
        check(self)
        check_model_dir(self.out)


def main(options: Options) -> None:
    from export.saved_model_writer import export_model, size_on_disk
    from export.signatures import Signatures
    from pixelrnn_tf.programs.model_files import load_model

    model, card = load_model(options.model), card_beside(options.model)
    if not card:
        print(f"There is no model.json beside {options.model}: the export will not say what the model was trained on.")
    version = export_model(model, options.out, card)
    print(f"{version}: {', '.join(Signatures(model).inputs)}; {size_on_disk(version):,} bytes")
    print(f"Check it with: python -m export.check --model_dir={version} --model={options.model}")


def card_beside(model_path: str | os.PathLike) -> dict[str, Any]:
    """The `model.json` that training writes beside a model: data, binarisation, scores. Empty without one.

    Raises:
        ValueError: if it is another file of that name.
    """
    path = pathlib.Path(model_path).with_name("model.json")
    card = read_json(path) if path.is_file() else {}
    if not isinstance(card, dict):
        raise ValueError(f"{path} is not the card of a model: it holds a {type(card).__name__}, not an object.")
    return card


if __name__ == "__main__":
    program.run(main, Options)
