"""Read the protocol buffers in the file `saved_model.pb` of a SavedModel."""

import os
import pathlib
from typing import Any

from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2


def read_saved_model(folder: str | os.PathLike) -> saved_model_pb2.SavedModel:
    """Parse the file of a SavedModel.

    Raises:
        ValueError: if there is no such file, or it is not a SavedModel.
    """
    path = pathlib.Path(folder) / "saved_model.pb"
    if not path.is_file():
        raise ValueError(f"There is no {path}.")
    try:
        return saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except message.DecodeError as error:
        raise ValueError(f"{path} is not a SavedModel: {error}") from error


def read_meta_graph(folder: str | os.PathLike) -> Any:
    """Read the `MetaGraphDef` of a SavedModel.

    Raises:
        ValueError: if there is no SavedModel, or it does not have exactly one graph.
    """
    graphs = read_saved_model(folder).meta_graphs
    if len(graphs) != 1:
        raise ValueError(f"The SavedModel in {folder} holds {len(graphs)} graphs; the server takes one.")
    return graphs[0]


def serving_signatures(graph: Any) -> dict[str, Any]:
    """Map names to the `SignatureDef` of every public signature of a `MetaGraphDef`."""
    return {name: value for name, value in graph.signature_def.items() if not name.startswith("__")}
