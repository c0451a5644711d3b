"""The REST interface of TensorFlow Serving, without HTTP: from a path and a body to the status and JSON of the answer.

The paths, formats and errors are those of https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import binascii
import json
import math
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from pixelrnn_tf.serving.demo.served_model import ServedModel
from pixelrnn_tf.serving.demo.session import invalid

MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
PREDICT, STATUS = re.compile(MODEL + ":predict", re.I), re.compile(MODEL + "(/metadata)?", re.I)

# By the code of TensorFlow's error; 500 for any other.
HTTP_CODES = {
    tf.errors.INVALID_ARGUMENT: 400,
    tf.errors.FAILED_PRECONDITION: 400,
    tf.errors.OUT_OF_RANGE: 400,
    tf.errors.UNAUTHENTICATED: 401,
    tf.errors.PERMISSION_DENIED: 403,
    tf.errors.NOT_FOUND: 404,
    tf.errors.RESOURCE_EXHAUSTED: 429,
    tf.errors.UNIMPLEMENTED: 501,
    tf.errors.UNAVAILABLE: 503,
    tf.errors.DEADLINE_EXCEEDED: 504,
}

Tensors = dict[str, tensor_pb2.TensorProto]


def is_base64(value: Any) -> bool:
    """Return whether a JSON value is a byte string in base64."""
    return isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str)


def is_row(value: Any) -> bool:
    """Return whether a JSON value is an object with an input for every key."""
    return isinstance(value, dict) and not is_base64(value)


def shape_of(value: Any) -> list[int]:
    """The shape of nested lists, judged by the first of each."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def leaves(value: Any, shape: list[int], level: int = 0) -> list[Any]:
    """The numbers or strings of nested lists, which must all have the shape."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(f"JSON Value: {value!r} found at incorrect level: {level + 1}. Expected at: {len(shape)}")
        return [value]
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    return [leaf for item in value for leaf in leaves(item, shape, level + 1)]


def add_value(value: Any, dtype: int, tensor: tensor_pb2.TensorProto) -> None:
    """Add one JSON value to a tensor of one of the types our signatures have, or refuse it, as the server does."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if dtype == types_pb2.DT_FLOAT and is_number:
        greatest = 2**24 - 1 if isinstance(value, int) else float(np.finfo("float32").max)
        if math.isfinite(value) and abs(value) > greatest:
            raise invalid(f"Cannot convert JSON value: {value} to float without loss of precision.")
        tensor.float_val.append(value)
    elif dtype in (types_pb2.DT_INT32, types_pb2.DT_UINT8) and isinstance(value, int) and is_number:
        if not -(2**31) <= value < 2**31:
            raise invalid(f"JSON Value: {value} is not of expected type: {types_pb2.DataType.Name(dtype)}")
        tensor.int_val.append(value)  # A uint8 is not checked here: the server takes 259 for 3.
    elif dtype == types_pb2.DT_BOOL and isinstance(value, bool):
        tensor.bool_val.append(value)
    elif dtype == types_pb2.DT_STRING and isinstance(value, str):
        tensor.string_val.append(value.encode("utf-8", "surrogatepass"))
    elif dtype == types_pb2.DT_STRING and isinstance(value, dict):
        tensor.string_val.append(decoded(value))
    else:
        raise invalid(f"JSON Value: {value!r} is not of expected type: {types_pb2.DataType.Name(dtype)}")


def decoded(value: dict[str, Any]) -> bytes:
    """Decode `{"b64": text}`."""
    if not is_base64(value):
        raise invalid(f"JSON Value: {value!r} not formatted correctly for base64 data")
    try:
        return base64.b64decode(value["b64"] + "=" * (-len(value["b64"]) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def parsed(body: bytes) -> Any:
    """Parse JSON as the server does, NaN included: Unicode text, and numbers that fit into 64 bits or a double."""
    try:
        content = json.loads(body, parse_int=whole_number, parse_float=number)
        json.dumps(content, ensure_ascii=False).encode()  # Half of a surrogate pair is no text.
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    return content


def whole_number(digits: str) -> int | float:
    """Parse a number without a decimal point. The server reads one that does not fit into 64 bits as a double."""
    # Python refuses to make an integer of thousands of digits.
    value = int(digits) if len(digits) < 30 else 2**64
    return value if -(2**63) <= value < 2**64 else number(digits)


def number(digits: str) -> float:
    """Parse a number with a decimal point."""
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"Number too big to be stored in double: {digits[:30]}")
    return value


def to_tensor(value: Any, dtype: int) -> tensor_pb2.TensorProto:
    """Convert nested lists to a tensor."""
    shape = shape_of(value)
    tensor = tensor_pb2.TensorProto(dtype=dtype)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    for leaf in leaves(value, shape):
        add_value(leaf, dtype, tensor)
    return tensor


def from_columns(value: Any, infos: Mapping[str, Any]) -> Tensors:
    """Read `inputs`: a batch per name, or the batch of the only input. Names outside the signature are ignored."""
    if not is_row(value):
        if len(infos) > 1:
            raise invalid("inputs is a plain value/list, but expecting an object as multiple input tensors required")
        value = {next(iter(infos)): value}
    for name in infos:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: to_tensor(value[name], info.dtype) for name, info in infos.items()}


def from_rows(rows: Any, infos: Mapping[str, Any]) -> Tensors:
    """Read `instances`: a list of rows; each holds a value per name, or is the value of the only input."""
    if not isinstance(rows, list) or not rows:
        raise invalid("Expecting 'instances' to be a list/array that is not empty")
    if len(infos) > 1 and not isinstance(rows[0], dict):
        raise invalid("instances is a plain list, but expecting list of objects as multiple input tensors required")
    if not is_row(rows[0]):
        if any(is_row(row) for row in rows):
            raise invalid("Expecting value/list but got object in the input list")
        return {name: to_tensor(rows, info.dtype) for name, info in infos.items()}
    for k, row in enumerate(rows):
        if not is_row(row):
            raise invalid(f"Expecting object but got list at item {k} of input list")
        if row.keys() != infos.keys():
            raise invalid(f"Failed to process element: {k} of 'instances' list: keys must be {','.join(infos)}")
    return {name: to_tensor([row[name] for row in rows], info.dtype) for name, info in infos.items()}


def to_json(name: str, value: np.ndarray) -> Any:
    """Convert an output to JSON; byte strings are in base64 if the name of the output ends in `_bytes`."""
    if value.dtype != object:
        return value.tolist()
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(item).decode("ascii")} for item in value]
    return [item.decode("utf-8", "replace") for item in value]


def answer(served: ServedModel, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Answer a request.

    Args:
        served: the model of the server.
        method: "GET" for status and metadata, "POST" for predictions.
        path: of the address, percent-encoded.
        body: of the request.

    Returns:
        the HTTP status and the JSON of the answer; of an error `{"error": message}`.
    """
    try:
        return 200, _predict(served, path, body) if method == "POST" else _describe(served, path)
    except tf.errors.OpError as error:
        return HTTP_CODES.get(error.error_code, 500), {"error": error.message}
    except Exception as error:  # A request gets an answer, whatever the error.
        return 500, {"error": f"{type(error).__name__}: {error}"}


def _describe(served: ServedModel, path: str) -> dict[str, Any]:
    """Answer with the status of a model, or its metadata."""
    match = _matched(STATUS, "GET", path)
    if not match[4]:
        request = get_model_status_pb2.GetModelStatusRequest()
        _name(request, match)
        return _to_dict(served.status(request))
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    _name(request, match)
    found = served.metadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    found.metadata["signature_def"].Unpack(signatures)
    return {"model_spec": _to_dict(found.model_spec), "metadata": {"signature_def": _to_dict(signatures)}}


def _to_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(message, True, preserving_proto_field_name=True)


def _predict(served: ServedModel, path: str, body: bytes) -> dict[str, Any]:
    """The outputs of a signature, in the format of the request: rows for `instances`, columns for `inputs`."""
    request = predict_pb2.PredictRequest()
    _name(request, _matched(PREDICT, "POST", path))
    content = parsed(body)
    if not isinstance(content, dict):
        raise invalid("JSON Value: Is not object")
    name = content.get("signature_name", "serving_default")
    if not isinstance(name, str):
        raise invalid("'signature_name' key must be a string value.")
    model = served.find(request.model_spec)
    if name not in model.signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    in_rows = "instances" in content
    if in_rows == ("inputs" in content):
        raise invalid("Expecting one of the keys 'inputs' and 'instances'")
    model.check_method(name)
    infos = model.signatures[name].inputs
    tensors = from_rows(content["instances"], infos) if in_rows else from_columns(content["inputs"], infos)
    columns = {key: to_json(key, value) for key, value in model.predict(name, tensors).items()}
    if len(columns) == 1:
        return {"predictions" if in_rows else "outputs": next(iter(columns.values()))}
    if not in_rows:
        return {"outputs": columns}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def _matched(pattern: re.Pattern, method: str, path: str) -> re.Match:
    match = pattern.fullmatch(path)
    if not match:
        raise invalid(f"Malformed request: {method} {path}")
    return match


def _name(request: Any, match: re.Match) -> None:
    """Name the model, and the version or the label, that a path names."""
    request.model_spec.name = urllib.parse.unquote(match[1])
    if match[2] is not None:
        if int(match[2]) >= 2**63:
            raise invalid(f"Failed to convert version: {match[2]} to numeric.")
        request.model_spec.version.value = int(match[2])
    elif match[3] is not None:
        request.model_spec.version_label = urllib.parse.unquote(match[3])
