"""Servers on the loopback interface that answer a client what a test tells them to."""

import concurrent.futures
import contextlib
import http.server
import json
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

IMAGES = np.zeros((1, 1, 1, 1), "uint8")
ANSWER = {"outputs": {"log_prob": [-1.5], "bits_per_dim": [2.25]}}
SCORE = {
    "inputs": {"images": {"dtype": "DT_UINT8", "tensor_shape": {"dim": [{"size": "-1"}] * 4}}},
    "outputs": {
        name: {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}]}} for name in ("log_prob", "bits_per_dim")
    },
}
METADATA = {"metadata": {"signature_def": {"signature_def": {"score": SCORE}}}}
NO_MODEL = (404, {"error": "Servable not found for request: Latest(digits)"})


@contextlib.contextmanager
def canned(predictions, states=None, seconds=0.0):
    """A server that gives these answers, `(status, JSON or bytes)`, to predictions; the last one for ever."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer((200, METADATA) if self.path.endswith("/metadata") else states)

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            times.append(time.monotonic())
            if seconds:
                time.sleep(seconds)
            self.answer(predictions[min(len(times), len(predictions)) - 1])

        def answer(self, answer):
            body = answer[1] if isinstance(answer[1], bytes) else json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    times = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", times
        finally:
            server.shutdown()
            thread.join()


class Canned(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Errors first, then an answer; over gRPC."""

    def __init__(self, *codes):
        self.codes, self.calls = list(codes), 0

    def GetModelMetadata(self, request, context):  # noqa: N802
        answer, signatures = (
            get_model_metadata_pb2.GetModelMetadataResponse(),
            get_model_metadata_pb2.SignatureDefMap(),
        )
        score = signatures.signature_def["score"]
        score.inputs["images"].dtype = tf.uint8.as_datatype_enum
        for name in ("log_prob", "bits_per_dim"):
            score.outputs[name].dtype = tf.float32.as_datatype_enum
        answer.metadata["signature_def"].Pack(signatures)
        return answer

    def Predict(self, request, context):  # noqa: N802
        self.calls += 1
        if self.codes:
            context.abort(self.codes.pop(0), "canned")
        answer = predict_pb2.PredictResponse()
        for name, value in ANSWER["outputs"].items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(np.float32(value)))
        return answer


@contextlib.contextmanager
def canned_grpc(*codes):
    service = Canned(*codes)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", service
    server.stop(None)
