"""The requests of TensorFlow Serving's REST interface, as its documentation states them.

https://www.tensorflow.org/tfx/serving/api_rest: the paths of the status, metadata and predict APIs, the keys of a
predict request, and the JSON types of "JSON mapping" and "Encoding binary values".
"""

import base64
import json
import re

MODEL = r"/v1/models/[^/:]+(/versions/\d+|/labels/[^/:]+)?"
PATHS = {"GET": re.compile(MODEL + "(/metadata)?"), "POST": re.compile(MODEL + ":predict")}
KEYS = {"signature_name", "instances", "inputs"}
JSON_TYPES = {"DT_BOOL": bool, "DT_INT32": int, "DT_UINT8": int, "DT_FLOAT": (int, float), "DT_STRING": str}


def check_request(method, path, body, signatures):
    """Assert that a request is one that TensorFlow Serving documents, for a model with these signatures of metadata."""
    assert PATHS[method].fullmatch(path), f"{method} {path}"
    if method == "GET":
        assert not body
        return
    content = json.loads(body)
    assert content.keys() <= KEYS
    assert ("instances" in content) != ("inputs" in content)
    inputs = signatures[content.get("signature_name", "serving_default")]["inputs"]
    if "instances" in content:
        columns = {name: [row[name] for row in content["instances"]] for name in content["instances"][0]}
    else:
        columns = content["inputs"]
    assert columns.keys() == inputs.keys()
    for name, info in inputs.items():
        check_tensor(columns[name], info["dtype"], len(info["tensor_shape"].get("dim", [])), name)
    assert len({len(column) for column in columns.values()}) == 1, "every input has the batch size"


def check_tensor(value, dtype, rank, name):
    """Nested lists of the rank, of values of the type."""
    if rank:
        assert isinstance(value, list), name
        assert len({len(item) for item in value if isinstance(item, list)}) <= 1, name
        for item in value:
            check_tensor(item, dtype, rank - 1, name)
    elif isinstance(value, dict):
        assert dtype == "DT_STRING", name
        assert value.keys() == {"b64"}, name
        base64.b64decode(value["b64"], validate=True)
    else:
        assert isinstance(value, JSON_TYPES[dtype]), name
        assert isinstance(value, bool) == (dtype == "DT_BOOL"), name
