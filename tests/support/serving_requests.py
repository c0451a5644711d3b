"""Requests to a served model, as messages of gRPC and as JSON, right or wrong."""

import base64
import json
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

SIGNATURES = {
    "score": ("images",),
    "logits": ("images",),
    "surprise": ("images",),
    "sample": ("seed", "temperature"),
    "complete": ("images", "known", "seed", "temperature"),
    "score_png": ("image_bytes",),
    "sample_png": ("seed", "temperature"),
    "complete_png": ("image_bytes", "known_bytes", "seed", "temperature"),
}

Inputs = dict[str, Any]  # Arrays, and lists of byte strings.


def to_message(model: str, name: str, inputs: Inputs) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, name
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def to_body(name: str, inputs: Inputs, form: str) -> bytes:
    columns = {key: plain(value) for key, value in inputs.items()}
    if form == "columns":
        return json.dumps({"signature_name": name, "inputs": columns}).encode()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return json.dumps({"signature_name": name, "instances": rows}).encode()


def plain(value: Any) -> Any:
    """Arrays, and byte strings however nested, as JSON has them."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    return [plain(item) for item in value] if isinstance(value, list) else value
