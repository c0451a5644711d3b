"""Export of a network as a SavedModel: graphs, weights, warm-up requests and the card of the model."""

import base64
import itertools
import os
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.files import write_json
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.loading import float32_twin
from pixelrnn_tf.models.preset_files import first_not_finite
from pixelrnn_tf.serving.example_inputs import encoded, example_inputs
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
    examples: np.ndarray | None = None,
) -> pathlib.Path:
    """Export a model as the next version in a folder.

    Args:
        model: the network; it is exported in float32.
        out: folder of the versions, `BASE/NAME`; NAME is the name of the served model.
        card: training data and scores, stored in `assets.extra/model.json`.
        max_batch_size: maximum number of rows of a request; larger ones are rejected before any computation.
        examples: a few images for clients to show, integer levels `(number, height, width, channels)` with 1 or 3
            channels.

    Returns:
        the folder of the new version, `BASE/NAME/<version>`.

    Raises:
        ValueError: if a weight is not finite, or `out` is a file.
        OSError: if a file cannot be written; there is no new version then.
    """
    model = in_float32(model)
    check_finite(model)
    with unpublished(out) as folder:
        known = full_card(model, card, max_batch_size, examples)
        signatures = Signatures(model, max_batch_size, known)
        write_graphs(signatures, folder)
        write_warmup(folder, pathlib.Path(out).resolve().name, warmup_requests(signatures))
        write_json(folder / CARD_FILE, known)
        return publish(folder)


def full_card(
    model: ImageModel, card: dict[str, Any] | None, max_batch_size: int, examples: np.ndarray | None
) -> dict[str, Any]:
    """The card of an export; the arguments are those of `export_model`."""
    known = {"pixelrnn_tf": __version__, "model": arguments(model), **(card or {})}
    known["max_batch_size"] = max_batch_size
    if model.class_names is not None:
        known["class_names"] = list(model.class_names)
    if model.condition_format is not None:
        known["condition"] = model.condition_format._asdict()
    if examples is not None:
        known["examples"] = [base64.b64encode(file).decode() for file in encoded(to_bytes(examples, model.levels))]
    return known


def in_float32(model: ImageModel) -> ImageModel:
    """Return the model if it computes in float32, otherwise a copy that does."""
    return model if model.dtype_policy.name == "float32" else float32_twin(model)


def check_finite(model: ImageModel) -> None:
    """Check that all weights are finite.

    Raises:
        ValueError: if a weight is not finite.
    """
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"The weight {damaged} is not finite: this model can neither score nor draw.")


def write_graphs(signatures: Signatures, folder: pathlib.Path) -> None:
    """Write the graphs of all signatures and the weights."""
    archive = keras.export.ExportArchive()
    for name, inputs in signatures.inputs.items():
        archive.add_endpoint(name, signatures.function(name), input_signature=[item.spec for item in inputs])
    # Only the weights: a tracked model adds its own graph, which cannot be traced with a condition.
    archive.add_variable_collection("weights", signatures.model.weights)
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with as_os_error("at the graphs and weights of the export"):
        archive.write_out(str(folder), options=options, verbose=False)
    forget_custom_gradients(folder)


def forget_custom_gradients(folder: pathlib.Path) -> None:
    """Remove the marks of custom gradients from saved graphs, which do not contain these gradients.

    With the marks, TensorFlow warns about every such function on loading, and fails if you request a gradient. Without
    them it differentiates the recurrence itself.
    """
    saved_model = read_saved_model(folder)
    for graph in saved_model.meta_graphs:
        nodes = [graph.graph_def.node, *(function.node_def for function in graph.graph_def.library.function)]
        for node in itertools.chain.from_iterable(nodes):
            node.attr.pop("_gradient_op_type", None)
    (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString(deterministic=True))
    # The fingerprint no longer matches the file, and loading does not need it.
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def warmup_requests(signatures: Signatures) -> dict[str, dict[str, np.ndarray]]:
    """Make a one-row request for every signature: its inputs by name."""
    model = signatures.model
    takes = model.condition_format
    values = example_inputs(model.image_shape, model.levels, takes, batch=1, inputs_name=model.inputs_name)
    return {name: {item.name: values[item.name] for item in inputs} for name, inputs in signatures.inputs.items()}


def arguments(model: ImageModel) -> dict[str, Any]:
    """Arguments of the model's constructor."""
    return {key: value for key, value in model.get_config().items() if key not in ("name", "trainable", "dtype")}


def size_on_disk(folder: pathlib.Path) -> int:
    """Total size of all files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
