"""REST interface of TensorFlow Serving, without TensorFlow, which takes seconds to import.

Requests and answers use the column format: `{"inputs": {name: batch}}` and `{"outputs": {name: batch}}`. A single
output has no name. Byte strings are `{"b64": ...}`.
"""

import base64
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np
import urllib3

from pixelrnn_tf.serving.client.errors import (
    ModelNotFoundError,
    RequestRejectedError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    tidy,
)
from pixelrnn_tf.serving.client.metadata import Signature, Tensor, VersionState

ERRORS = {
    400: RequestRejectedError,
    404: ModelNotFoundError,
    408: ServerTimeoutError,
    429: ServerUnavailableError,
    502: ServerUnavailableError,
    503: ServerUnavailableError,
    504: ServerTimeoutError,
}


class RestTransport:
    """REST connection to a model in a server. Threads may share it.

    Args:
        server: "HOST:PORT", or a URL that starts with http:// or https://.
        model: name of the model in the server.
        version: version number, or None for the latest.
        timeout: limit for one attempt, in seconds.
    """

    def __init__(self, server: str, model: str, version: int | None, timeout: float):
        address = server if "://" in server else f"http://{server}"
        self.server, self.timeout = server, timeout
        self.url = f"{address.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}"
        if version is not None:
            self.url += f"/versions/{version}"
        self.pool = urllib3.PoolManager(maxsize=64)

    def states(self) -> list[VersionState]:
        """List the states of the model's versions, or of the selected one."""
        answer = self._request("GET", self.url)
        return [
            VersionState(int(item["version"]), item["state"], item.get("status", {}).get("error_message", ""))
            for item in answer.get("model_version_status", [])
        ]

    def signatures(self) -> dict[str, Signature]:
        """Get the signatures of the model by name."""
        answer = self._request("GET", f"{self.url}/metadata")
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        return {
            name: Signature(_tensors(signature["inputs"]), _tensors(signature["outputs"]))
            for name, signature in signatures.items()
            if not name.startswith("__")  # Internal, such as the one that initializes the model.
        }

    def predict(self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature."""
        columns = {key: _to_json(value) for key, value in inputs.items()}
        answer = self._request("POST", f"{self.url}:predict", {"signature_name": name, "inputs": columns})
        outputs = answer["outputs"]
        if len(signature.outputs) == 1:
            outputs = {next(iter(signature.outputs)): outputs}
        return {key: _from_json(outputs[key], tensor) for key, tensor in signature.outputs.items()}

    def close(self) -> None:
        self.pool.clear()

    def _request(self, method: str, url: str, body: Any = None) -> dict[str, Any]:
        try:
            response = self.pool.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                timeout=urllib3.Timeout(total=self.timeout),
                retries=False,
            )
        except urllib3.exceptions.NewConnectionError as error:
            reason = str(error).rpartition("Failed to ")[2]
            raise ServerUnavailableError(f"No server can be reached at {self.server}: failed to {reason}") from error
        except urllib3.exceptions.TimeoutError as error:
            raise ServerTimeoutError(f"The server at {self.server} did not answer in {self.timeout:g} s.") from error
        except urllib3.exceptions.LocationValueError as error:
            raise ValueError(f"{self.server!r} is not the address of a server; pass HOST:PORT.") from error
        except urllib3.exceptions.HTTPError as error:
            raise ServerUnavailableError(
                f"{self.server} closed the connection, or does not use HTTP. Is that the REST port, 8501 by default?"
            ) from error
        return self._answer(response)

    def _answer(self, response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        if response.status == 200 and isinstance(answer, dict):
            return answer
        if not isinstance(answer, dict) or "error" not in answer:
            if response.status in (429, 502, 503, 504):  # The answer of a proxy for a busy or missing server.
                raise ERRORS[response.status](f"{self.server} answered with HTTP status {response.status}.")
            raise ServingError(
                f"{self.server} gave an answer that is not from TensorFlow Serving (HTTP status {response.status})."
            )
        kind = ERRORS.get(response.status, ServingError)
        raise kind(tidy(str(answer["error"])))


def _tensors(infos: dict[str, Any]) -> dict[str, Tensor]:
    return {
        name: Tensor.read(
            info["dtype"],
            [int(axis["size"]) for axis in info["tensor_shape"].get("dim", [])],
            info["tensor_shape"].get("unknown_rank", False),
        )
        for name, info in infos.items()
    }


def _to_json(array: np.ndarray) -> Any:
    if array.dtype == object:
        return [{"b64": base64.b64encode(item).decode("ascii")} for item in array]
    return array.tolist()


def _from_json(value: Any, tensor: Tensor) -> np.ndarray:
    if tensor.dtype == "object":
        array = np.empty(len(value), object)
        # Outputs whose name ends in _bytes are in base64.
        array[:] = [base64.b64decode(item["b64"]) if isinstance(item, dict) else item.encode() for item in value]
        return array
    return np.asarray(value, tensor.dtype)
