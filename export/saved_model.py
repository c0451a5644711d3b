"""Turn a `.keras` model into a SavedModel for TensorFlow Serving.

`python -m export.saved_model --model=PATH --out=BASE/NAME` writes `BASE/NAME/<version>/`, the next number, with
the signatures of `export.signatures`, warm-up records of each, and what is known of the model.
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
from pixelrnn_tf.models import PixelRNN
from trainers import models, program

FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_string("model", None, "A .keras file.", required=True)
    flags.DEFINE_string("out", None, "BASE/NAME: the folder that holds the versions of the model.", required=True)


def export_model(model: PixelRNN, out: str | os.PathLike) -> pathlib.Path:
    """Write a model as the next version in a folder.

    Args:
        model: the network; one of another precision is exported in float32.
        out: folder of the versions, `BASE/NAME`.

    Returns:
        the folder of the new version, `BASE/NAME/<version>`.

    Raises:
        ValueError: for weights that are not finite, or an `out` that is a file.
    """
    model = in_float32(model)
    check_finite(model)
    with unpublished(out) as folder:
        write_saved_model(model, folder)
        return publish(folder)


def in_float32(model: PixelRNN) -> PixelRNN:
    """The model itself if it computes in float32, otherwise a copy that does."""
    if model.dtype_policy.name == "float32":
        return model
    copy = type(model).from_config({**model.get_config(), "dtype": "float32"})
    copy.set_weights(model.get_weights())
    return copy


def check_finite(model: PixelRNN) -> None:
    """Check that a model can score and draw at all.

    Raises:
        ValueError: if a weight is not finite.
    """
    for weight in model.weights:
        if not np.isfinite(np.array(weight)).all():
            raise ValueError(f"The weight {weight.path} is not finite: this model can neither score nor draw.")


def write_saved_model(model: PixelRNN, folder: pathlib.Path) -> None:
    """Write the graphs and weights of every signature."""
    signatures = Signatures(model)
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, inputs in signatures.inputs.items():
        archive.add_endpoint(name, signatures.function(name), input_signature=[item.spec for item in inputs])
    # The recurrence brings its own gradient, which nothing that serves will ask for.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    archive.write_out(str(folder), options=options, verbose=False)


def main(_: list[str]) -> None:
    model = models.load_model(FLAGS.model)
    print(f"{export_model(model, FLAGS.out)}")


if __name__ == "__main__":
    program.run(main)
