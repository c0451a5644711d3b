"""The gRPC interface of TensorFlow Serving: the services for predictions and for the state of models."""

import concurrent.futures
from collections.abc import Callable
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc

from pixelrnn_tf.serving.demo.served_model import ServedModel

GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}
LONGEST_MESSAGE = 1024  # The server cuts the messages of its errors there.


def start_grpc(served: ServedModel, host: str, port: int) -> tuple[grpc.Server, int]:
    """Start the services. Returns the server and its port; port 0 takes a free one.

    Raises:
        OSError: if the port is in use.
    """
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), options=[*unlimited, ("grpc.so_reuseport", 0)])
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(served), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(served), server)
    try:
        port = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise OSError(
            f"Port {port} of {host} cannot be opened for gRPC; it may be in use. Give another port."
        ) from error
    server.start()
    return server, port


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predictions and metadata."""

    def __init__(self, served: ServedModel):
        self.served = served

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answered(self._predict, request, context)

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answered(self.served.metadata, request, context)

    def _predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        answer = predict_pb2.PredictResponse()
        for key, value in self.served.predict(request).items():
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(value, shape=value.shape))
        answer.model_spec.CopyFrom(request.model_spec)
        return answer


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """The state of the model."""

    def __init__(self, served: ServedModel):
        self.served = served

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answered(self.served.status, request, context)


def _answered(run: Callable[[Any], Any], request: Any, context: grpc.ServicerContext) -> Any:
    """The answer of `run`, or TensorFlow's error as one of gRPC."""
    try:
        return run(request)
    except tf.errors.OpError as error:
        context.abort(GRPC_CODES[error.error_code], error.message[:LONGEST_MESSAGE])
