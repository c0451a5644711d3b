"""Turn a `.keras` model into a SavedModel for TensorFlow Serving.

`python -m export.saved_model --model=PATH --out=BASE/NAME` writes `BASE/NAME/<version>/`, the next number, with
the signatures of `export.signatures`, a warm-up request for each of them, and what is known of the model.
"""

import json
import os
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from export.signatures import Signatures
from export.versions import publish, unpublished
from export.warmup import write_warmup
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.programs import model_files, program
from pixelrnn_tf.programs.files import write_json
from pixelrnn_tf.version import __version__

FLAGS = flags.FLAGS

# What is known of the model, inside the folder of a version.
CARD_FILE = pathlib.Path("assets.extra") / "model.json"


def export_model(model: PixelRNN, out: str | os.PathLike, card: dict[str, Any] | None = None) -> pathlib.Path:
    """Write a model as the next version in a folder.

    Args:
        model: the network; one of another precision is exported in float32.
        out: folder of the versions, `BASE/NAME`; the model is served as NAME.
        card: what it was trained on and how it scored, to travel in `assets.extra/model.json`.

    Returns:
        the folder of the new version, `BASE/NAME/<version>`.

    Raises:
        ValueError: for weights that are not finite, or an `out` that is a file.
    """
    model = in_float32(model)
    check_finite(model)
    with unpublished(out) as folder:
        signatures = Signatures(model)
        write_graphs(signatures, folder)
        write_warmup(folder, pathlib.Path(out).resolve().name, signatures)
        write_json(folder / CARD_FILE, {"pixelrnn_tf": __version__, "model": arguments(model), **(card or {})})
        return publish(folder)


def in_float32(model: PixelRNN) -> PixelRNN:
    """The model itself if it computes in float32, otherwise a copy that does."""
    return model if model.dtype_policy.name == "float32" else model_files.float32_twin(model)


def check_finite(model: PixelRNN) -> None:
    """Check that a model can score and draw at all.

    Raises:
        ValueError: if a weight is not finite.
    """
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise ValueError(f"The weight {weight.path} is not finite: this model can neither score nor draw.")


def write_graphs(signatures: Signatures, folder: pathlib.Path) -> None:
    """Write the graphs and the weights of every signature."""
    archive = keras.export.ExportArchive()
    for name, inputs in signatures.inputs.items():
        archive.add_endpoint(name, signatures.function(name), input_signature=[item.spec for item in inputs])
    # The weights alone: a model that is tracked brings a graph of its own, and none can be made with a condition.
    archive.add_variable_collection("weights", signatures.model.weights)
    # The recurrence brings its own gradient, which nothing that serves will ask for.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    archive.write_out(str(folder), options=options, verbose=False)


def arguments(model: PixelRNN) -> dict[str, Any]:
    """The arguments the model was made with."""
    return {key: value for key, value in model.get_config().items() if key not in ("name", "trainable", "dtype")}


def card_beside(model_path: str | os.PathLike) -> dict[str, Any]:
    """The `model.json` that training writes beside a model: data, binarisation, scores. Empty without one."""
    path = pathlib.Path(model_path).with_name("model.json")
    return json.loads(path.read_text()) if path.is_file() else {}


def size_on_disk(folder: pathlib.Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(_: list[str]) -> None:
    model, card = model_files.load_model(FLAGS.model), card_beside(FLAGS.model)
    if not card:
        print(f"There is no model.json beside {FLAGS.model}: the export will not say what the model was trained on.")
    version = export_model(model, FLAGS.out, card)
    print(f"{version}: {', '.join(Signatures(model).inputs)}; {size_on_disk(version):,} bytes")
    print(f"Check it with: python -m export.check --model_dir={version} --model={FLAGS.model}")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "A .keras file.", required=True)
    flags.DEFINE_string("out", None, "BASE/NAME: the folder that holds the versions of the model NAME.", required=True)
    program.run(main)
