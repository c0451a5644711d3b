"""gRPC interface of TensorFlow Serving.

The stubs of tensorflow-serving-api import TensorFlow, which takes seconds; REST does not need it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pixelrnn_tf.serving.client.errors import (
    ModelNotFoundError,
    RequestRejectedError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    tidy,
)
from pixelrnn_tf.serving.client.metadata import Signature, Tensor, VersionState

# Messages may exceed gRPC's default limit of 4 MiB. As over REST, no proxy is used. gRPC reconnects at least as often
# as the client retries.
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]

ERRORS = {
    grpc.StatusCode.INVALID_ARGUMENT: RequestRejectedError,
    grpc.StatusCode.FAILED_PRECONDITION: RequestRejectedError,
    grpc.StatusCode.OUT_OF_RANGE: RequestRejectedError,
    grpc.StatusCode.NOT_FOUND: ModelNotFoundError,
}


class GrpcTransport:
    """gRPC connection to a model in a server. Threads may share it.

    Args:
        server: "HOST:PORT".
        model: name of the model in the server.
        version: version number, or None for the latest.
        timeout: limit for one attempt, in seconds.
    """

    def __init__(self, server: str, model: str, version: int | None, timeout: float):
        self.server, self.model, self.version, self.timeout = server, model, version, timeout
        self.channel = grpc.insecure_channel(server, options=CHANNEL_OPTIONS)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def states(self) -> list[VersionState]:
        """List the states of the model's versions, or of the selected one."""
        answer = self._call(self.models.GetModelStatus, get_model_status_pb2.GetModelStatusRequest())
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        return [
            VersionState(item.version, state_name(item.state), item.status.error_message)
            for item in answer.model_version_status
        ]

    def signatures(self) -> dict[str, Signature]:
        """Get the signatures of the model by name."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        answer = self._call(self.prediction.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        return {
            name: Signature(_tensors(signature.inputs), _tensors(signature.outputs))
            for name, signature in signatures.signature_def.items()
            if not name.startswith("__")  # Internal, such as the one that initializes the model.
        }

    def predict(self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature."""
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = name
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value, shape=value.shape))
        answer = self._call(self.prediction.Predict, request)
        return {key: tf.make_ndarray(answer.outputs[key]) for key in signature.outputs}

    def close(self) -> None:
        self.channel.close()

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        request.model_spec.name = self.model
        if self.version is not None:
            request.model_spec.version.value = self.version
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise self._explained(error) from error

    def _explained(self, error: grpc.RpcError) -> ServingError:
        code, message = error.code(), tidy(error.details() or "")
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
            return ServerUnavailableError(f"No server can be reached at {self.server}, or it is busy: {message}")
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return ServerTimeoutError(f"The server at {self.server} did not answer in {self.timeout:g} s.")
        if code in ERRORS:
            return ERRORS[code](message)
        return ServingError(f"{self.server} answered with {code.name}: {message}")


def _tensors(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    return {
        name: Tensor.read(
            types_pb2.DataType.Name(info.dtype),
            [axis.size for axis in info.tensor_shape.dim],
            info.tensor_shape.unknown_rank,
        )
        for name, info in infos.items()
    }
