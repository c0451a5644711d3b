"""A stand-in for TensorFlow Serving, on the loopback interface alone, for tests.

The server itself is in no package registry. This stand-in speaks its two interfaces, gRPC by the official
stubs of tensorflow-serving-api and REST in `serving_stand_in_rest`, and answers and errors as it does. As the
server does, it runs the signatures of a SavedModel in a session, without XLA, and looks at the names and the
types of inputs but not at shapes or values: checking those is the model's own business.

    python -m tests.support.serving_stand_in --model_name=NAME --model_base_path=BASE/NAME --port=8500 \\
        --rest_api_port=8501

Port 0 takes a free one. The ports are printed as one line of JSON as soon as they can be reached, before the
model is loaded; the newest version in the folder is served.
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import sys
import threading
from collections.abc import Callable, Mapping

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
import tensorflow as tf
from absl import app, flags
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import config_pb2, error_codes_pb2, meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.support.serving_stand_in_rest import RestServer

FLAGS = flags.FLAGS
GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}
PREDICT = "tensorflow/serving/predict"
LONGEST_MESSAGE = 1024  # The server cuts the messages of its errors there.
State = get_model_status_pb2.ModelVersionStatus


def invalid(message: str) -> tf.errors.InvalidArgumentError:
    return tf.errors.InvalidArgumentError(None, None, message)


class SessionModel:
    """A SavedModel in a session, as the server holds it."""

    def __init__(self, path: pathlib.Path):
        graph = tf.Graph()
        session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            self.signatures = tf.compat.v1.saved_model.load(session, ["serve"], str(path)).signature_def
        self.runs = {
            name: self._prepared(session, signature)
            for name, signature in self.signatures.items()
            if signature.method_name == PREDICT
        }

    @staticmethod
    def _prepared(session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef) -> Callable:
        """From arrays in the order of the inputs to arrays in the order of the outputs.

        Python's `Session.run` would check shapes before it hands arrays to the session, which the server does not.
        """
        options = config_pb2.CallableOptions()
        options.feed.extend(info.name for info in signature.inputs.values())
        options.fetch.extend(info.name for info in signature.outputs.values())
        return session._make_callable_from_options(options)

    def predict(self, name: str, inputs: Mapping[str, tensor_pb2.TensorProto]) -> dict[str, np.ndarray]:
        """Run a signature.

        Raises:
            tf.errors.OpError: with the code of the server's own error.
        """
        if name not in self.signatures:
            raise tf.errors.FailedPreconditionError(None, None, f'Serving signature key "{name}" not found.')
        self.check_method(name)
        signature = self.signatures[name]
        extra, missing = inputs.keys() - signature.inputs.keys(), signature.inputs.keys() - inputs.keys()
        if len(inputs) != len(signature.inputs):
            raise invalid(
                f"input size does not match signature: {len(inputs)}!={len(signature.inputs)}. "
                f"Sent extra: {{{','.join(sorted(extra))}}}. Missing but required: {{{','.join(sorted(missing))}}}."
            )
        if missing:
            raise invalid(f"Request inputs do not match required inputs for model. Missing: {sorted(missing)}")
        feeds = [self._parsed(alias, inputs[alias], info) for alias, info in signature.inputs.items()]
        return dict(zip(signature.outputs, self.runs[name](*feeds), strict=True))

    def check_method(self, name: str) -> None:
        """Refuse a signature that is not for predict, such as TensorFlow's own, which initializes the model."""
        if name not in self.runs:
            raise tf.errors.InternalError(None, None, f"Expected prediction signature method_name to be {PREDICT}.")

    @staticmethod
    def _parsed(alias: str, proto: tensor_pb2.TensorProto, info: meta_graph_pb2.TensorInfo) -> np.ndarray:
        """What the server's own `Tensor::FromProto` makes of a message."""
        try:
            array = tf.io.parse_tensor(proto.SerializeToString(), proto.dtype).numpy()
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise invalid(f"tensor parsing error: {alias}") from error
        if proto.dtype != info.dtype:
            wanted, given = tf.as_dtype(info.dtype).name, tf.as_dtype(proto.dtype).name
            raise invalid(f"Expects {alias} to be {wanted} but {given} is provided")
        return array


class Served:
    """The model of a server: none until it is loaded."""

    def __init__(self, name: str, base_path: pathlib.Path):
        self.name = name
        # The server reads a folder 00000001 as version 1.
        folders = {int(folder.name): folder for folder in base_path.iterdir() if folder.name.isdigit()}
        self.version = max(folders)
        self.path = folders[self.version]
        self.model: SessionModel | None = None
        self.state, self.failure = State.START, ""

    def load(self) -> None:
        self.state = State.LOADING
        try:
            self.model = SessionModel(self.path)
            self.state = State.AVAILABLE
        except Exception as error:  # Whatever it is, the server goes on and says so.
            self.state, self.failure = State.END, str(error)

    def find(self, spec: model_pb2.ModelSpec) -> SessionModel:
        """The model a request asks for, if it is loaded."""
        if not spec.name:
            raise invalid("Missing model name in request's model_spec")
        if spec.name != self.name or self.model is None or not self._is_version(spec):
            asked = (
                f"Specific({spec.name}, {spec.version.value})" if spec.HasField("version") else f"Latest({spec.name})"
            )
            raise tf.errors.NotFoundError(None, None, f"Servable not found for request: {asked}")
        return self.model

    def predict(self, request: predict_pb2.PredictRequest) -> dict[str, np.ndarray]:
        return self.find(request.model_spec).predict(
            request.model_spec.signature_name or "serving_default", request.inputs
        )

    def metadata(self, request: get_model_metadata_pb2.GetModelMetadataRequest):
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid(f"Metadata field {list(request.metadata_field)} is not supported")
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for key, signature in self.find(request.model_spec).signatures.items():
            signatures.signature_def[key].CopyFrom(signature)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name, answer.model_spec.version.value = self.name, self.version
        answer.metadata["signature_def"].Pack(signatures)
        return answer

    def status(self, request: get_model_status_pb2.GetModelStatusRequest):
        spec = request.model_spec
        if spec.name != self.name:
            raise tf.errors.NotFoundError(None, None, f"Could not find any versions of model {spec.name}")
        if not self._is_version(spec):
            message = f"Could not find version {spec.version.value} of model {spec.name}"
            raise tf.errors.NotFoundError(None, None, message)
        answer = get_model_status_pb2.GetModelStatusResponse()
        item = answer.model_version_status.add(version=self.version, state=self.state)
        item.status.error_code = error_codes_pb2.Code.UNKNOWN if self.failure else error_codes_pb2.Code.OK
        item.status.error_message = self.failure
        return answer

    def _is_version(self, spec: model_pb2.ModelSpec) -> bool:
        return not spec.HasField("version") or spec.version.value == self.version


def answered(run, request, context):
    """What `run` answers, or the error of TensorFlow as the error of gRPC."""
    try:
        return run(request)
    except tf.errors.OpError as error:
        context.abort(GRPC_CODES[error.error_code], error.message[:LONGEST_MESSAGE])


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, served: Served):
        self.served = served

    def Predict(self, request, context):  # noqa: N802
        return answered(self._predict, request, context)

    def GetModelMetadata(self, request, context):  # noqa: N802
        return answered(self.served.metadata, request, context)

    def _predict(self, request):
        answer = predict_pb2.PredictResponse()
        for key, value in self.served.predict(request).items():
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(value, shape=value.shape))
        answer.model_spec.CopyFrom(request.model_spec)
        return answer


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, served: Served):
        self.served = served

    def GetModelStatus(self, request, context):  # noqa: N802
        return answered(self.served.status, request, context)


def grpc_server(served: Served, port: int) -> tuple[grpc.Server, int]:
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(served), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(served), server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


def main(_: list[str]) -> None:
    served = Served(FLAGS.model_name, pathlib.Path(FLAGS.model_base_path))
    rest = RestServer(served, FLAGS.rest_api_port)
    server, port = grpc_server(served, FLAGS.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    print(json.dumps({"grpc": f"127.0.0.1:{port}", "rest": f"127.0.0.1:{rest.server_port}"}), flush=True)
    served.load()
    server.wait_for_termination()


if __name__ == "__main__":
    flags.DEFINE_string("model_name", None, "The model's name.", required=True)
    flags.DEFINE_string("model_base_path", None, "Folder that holds the versions of the model.", required=True)
    flags.DEFINE_integer("port", 0, "Port of gRPC.")
    flags.DEFINE_integer("rest_api_port", 0, "Port of REST.")
    app.run(main)
