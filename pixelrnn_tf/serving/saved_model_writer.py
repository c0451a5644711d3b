"""Writes a network as a SavedModel: graphs, weights, warm-up requests, and what is known of the model."""

import itertools
import os
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_tf.files import write_json
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.loading import float32_twin
from pixelrnn_tf.models.preset_files import first_not_finite
from pixelrnn_tf.serving.example_inputs import example_inputs
from pixelrnn_tf.serving.saved_model_protos import read_saved_model
from pixelrnn_tf.serving.signatures import MAX_BATCH_SIZE, Signatures
from pixelrnn_tf.serving.versions import CARD_FILE, publish, unpublished
from pixelrnn_tf.serving.warmup import write_warmup
from pixelrnn_tf.tensorflow_files import as_os_error
from pixelrnn_tf.version import __version__


def export_model(
    model: ImageModel,
    out: str | os.PathLike,
    card: dict[str, Any] | None = None,
    max_batch_size: int = MAX_BATCH_SIZE,
) -> pathlib.Path:
    """Write a model as the next version in a folder.

    Args:
        model: the network; one of another precision is exported in float32.
        out: folder of the versions, `BASE/NAME`; the model is served as NAME.
        card: what it was trained on and how it scored, to travel in `assets.extra/model.json`.
        max_batch_size: rows that a request may have; more are refused before anything is computed.

    Returns:
        the folder of the new version, `BASE/NAME/<version>`.

    Raises:
        ValueError: for weights that are not finite, or an `out` that is a file.
        OSError: if a file cannot be written; there is no new version then.
    """
    model = in_float32(model)
    check_finite(model)
    with unpublished(out) as folder:
        signatures = Signatures(model, max_batch_size)
        write_graphs(signatures, folder)
        write_warmup(folder, pathlib.Path(out).resolve().name, warmup_requests(signatures))
        known = {"pixelrnn_tf": __version__, "model": arguments(model), **(card or {})}
        known["max_batch_size"] = max_batch_size
        if model.class_names is not None:
            known["class_names"] = list(model.class_names)
        if model.condition_format is not None:
            known["condition"] = model.condition_format._asdict()
        write_json(folder / CARD_FILE, known)
        return publish(folder)


def in_float32(model: ImageModel) -> ImageModel:
    """The model itself if it computes in float32, otherwise a copy that does."""
    return model if model.dtype_policy.name == "float32" else float32_twin(model)


def check_finite(model: ImageModel) -> None:
    """Check that a model can score and draw at all.

    Raises:
        ValueError: if a weight is not finite.
    """
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"The weight {damaged} is not finite: this model can neither score nor draw.")


def write_graphs(signatures: Signatures, folder: pathlib.Path) -> None:
    """Write the graphs and the weights of every signature."""
    archive = keras.export.ExportArchive()
    for name, inputs in signatures.inputs.items():
        archive.add_endpoint(name, signatures.function(name), input_signature=[item.spec for item in inputs])
    # The weights alone: a model that is tracked brings a graph of its own, and none can be made with a condition.
    archive.add_variable_collection("weights", signatures.model.weights)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with as_os_error("at the graphs and weights of the export"):
        archive.write_out(str(folder), options=options, verbose=False)
    forget_custom_gradients(folder)


def forget_custom_gradients(folder: pathlib.Path) -> None:
    """Take the marks of gradients written by hand out of saved graphs, which do not hold those gradients.

    With the marks, TensorFlow warns of every function that has one when it loads the graphs, and fails where a gradient
    is asked for. Without them it differentiates the recurrence itself.
    """
    saved_model = read_saved_model(folder)
    for graph in saved_model.meta_graphs:
        nodes = [graph.graph_def.node, *(function.node_def for function in graph.graph_def.library.function)]
        for node in itertools.chain.from_iterable(nodes):
            node.attr.pop("_gradient_op_type", None)
    (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString(deterministic=True))
    # The fingerprint is of the file as it was. Nothing that loads a SavedModel asks for one.
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def warmup_requests(signatures: Signatures) -> dict[str, dict[str, np.ndarray]]:
    """A request of one row for every signature: its inputs by name."""
    model = signatures.model
    values = example_inputs(model.image_shape, model.levels, model.condition_format, batch=1)
    return {name: {item.name: values[item.name] for item in inputs} for name, inputs in signatures.inputs.items()}


def arguments(model: ImageModel) -> dict[str, Any]:
    """The arguments the model was made with."""
    return {key: value for key, value in model.get_config().items() if key not in ("name", "trainable", "dtype")}


def size_on_disk(folder: pathlib.Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
