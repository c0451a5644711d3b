"""The client without a model: seeds, retries and errors, against a canned server on the loopback interface."""

import concurrent.futures
import contextlib
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from export.client import Client
from export.serving import client as client_module
from export.serving import seeds
from export.serving.errors import (
    ModelLoadingError,
    ModelNotFoundError,
    RequestRejectedError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
    tidy,
)
from export.serving.metadata import Tensor, as_input
from pixelrnn_tf.distributions import image_seeds
from pixelrnn_tf.distributions.noise import stateless_seed
from pixelrnn_tf.programs import png_files

ROOT = pathlib.Path(__file__).parents[3]
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


def states(state, message=""):
    return 200, {"model_version_status": [{"version": "1", "state": state, "status": {"error_message": message}}]}


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


def test_the_client_tries_again_while_the_server_is_away_with_longer_pauses(monkeypatch):
    pauses = []
    monkeypatch.setattr(client_module.time, "sleep", pauses.append)
    busy = (503, {"error": "The queue is full."})
    with canned([busy, busy, (200, ANSWER)]) as (server, times):
        scores = Client(server, "digits").score(IMAGES)
    assert (scores.log_prob, scores.bits_per_dim) == (np.float32(-1.5), np.float32(2.25))
    assert len(times) == 3
    assert 0.05 <= pauses[0] <= 0.1 <= pauses[1] <= 0.2
    with (
        canned([busy]) as (server, times),
        pytest.raises(ServerUnavailableError, match=r"^The queue is full\.$"),
    ):
        Client(server, "digits", retries=2).score(IMAGES)
    assert len(times) == 3


@pytest.mark.parametrize("status", [400, 500, 501])
def test_what_a_server_rejects_is_not_tried_again(status):
    with canned([(status, {"error": "images are wrong"}), (200, ANSWER)]) as (server, times):
        with pytest.raises(ServingError, match=r"^images are wrong$") as error:
            Client(server, "digits").score(IMAGES)
        assert isinstance(error.value, RequestRejectedError) is (status == 400)
        assert isinstance(error.value, ValueError) is (status == 400)
        assert len(times) == 1


def test_late_answers_are_given_up_and_tried_again():
    with canned([(200, ANSWER)], seconds=0.5) as (server, times):
        start = time.monotonic()
        with pytest.raises(ServerTimeoutError, match=r"gave no answer in 0\.1 s"):
            Client(server, "digits", timeout=0.1, retries=2).score(IMAGES)
        assert 0.3 < time.monotonic() - start < 2
        assert len(times) == 3
    with canned([(504, {"error": "deadline"}), (200, ANSWER)]) as (server, times):
        assert Client(server, "digits").score(IMAGES).log_prob == np.float32(-1.5)


def test_a_model_that_is_loading_is_waited_for():
    with canned([NO_MODEL, NO_MODEL, (200, ANSWER)], states("LOADING")) as (server, times):
        assert Client(server, "digits").score(IMAGES).log_prob == np.float32(-1.5)
        assert len(times) == 3
    with canned([NO_MODEL], states("START")) as (server, times):
        with pytest.raises(ModelLoadingError, match=r"is still loading model 'digits'\.$"):
            Client(server, "digits", retries=1).score(IMAGES)
        assert len(times) == 2


def test_a_model_that_is_not_there_is_not_waited_for():
    with canned([NO_MODEL], NO_MODEL) as (server, times):
        with pytest.raises(ModelNotFoundError, match=r"has no version 3 of model 'digits'\.$"):
            Client(server, "digits", version=3).score(IMAGES)
        assert len(times) == 1
    with canned([NO_MODEL], states("END", "No space left")) as (server, times):
        with pytest.raises(ServingError, match=r"could not load model 'digits': No space left$"):
            Client(server, "digits").score(IMAGES)
        assert len(times) == 1


def test_what_is_no_server_is_told():
    with canned([(200, b"<html>")], (200, b"<html>")) as (server, _):
        client = Client(server, "digits")
        for call in (client.status, lambda: client.score(IMAGES)):
            with pytest.raises(ServingError, match=r"an answer that is none of TensorFlow Serving \(HTTP status 200\)"):
                call()
    for protocol in ("rest", "grpc"):
        client = Client(server, "digits", protocol=protocol, retries=0)
        with pytest.raises(ServerUnavailableError, match=f"No server can be reached at {server}"):
            client.score(IMAGES)
    with pytest.raises(ValueError, match="protocol must be 'rest' or 'grpc', got 'http'"):
        Client(server, "digits", protocol="http")
    with pytest.raises(ValueError, match="got 0 and 5"):
        Client(server, "digits", timeout=0)


def test_what_cannot_be_right_is_not_sent():
    with canned([(200, ANSWER)], (200, METADATA)) as (server, times), Client(server, "digits") as client:
        with pytest.raises(ValueError, match="takes images for 'score'; got images, condition"):
            client.score(IMAGES, condition=np.zeros((1, 1, 1, 2)))
        with pytest.raises(ValueError, match=r"has no signature 'dream'; it has score\."):
            client.predict("dream", images=IMAGES)
        with pytest.raises(ValueError, match="must be at least 1 and the first at least 0, got 0 and 2"):
            client.sample(0, first=2)
    assert not times


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


@pytest.mark.parametrize(
    ("code", "error", "calls"),
    [
        (grpc.StatusCode.UNAVAILABLE, None, 3),
        (grpc.StatusCode.DEADLINE_EXCEEDED, None, 3),
        (grpc.StatusCode.INVALID_ARGUMENT, RequestRejectedError, 1),
        (grpc.StatusCode.FAILED_PRECONDITION, RequestRejectedError, 1),
        (grpc.StatusCode.INTERNAL, ServingError, 1),
    ],
)
def test_grpc_is_tried_again_for_the_same_reasons(code, error, calls):
    service = Canned(code, code)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    client = Client(f"127.0.0.1:{port}", "digits", protocol="grpc")
    if error:
        with pytest.raises(error, match="canned"):
            client.score(IMAGES)
    else:
        assert client.score(IMAGES).log_prob == np.float32(-1.5)
    assert service.calls == calls
    server.stop(None)


@pytest.mark.parametrize("seed", [0, 7, -3, 2**31, 2**40 + 5, -(2**63), 2**64 - 1])
def test_seeds_are_those_of_the_library(seed):
    expected = image_seeds(stateless_seed(seed), tf.range(2, 6))
    assert np.array_equal(seeds.image_seeds(seed, first=2, number=4), expected)
    assert seeds.image_seeds(seed, 2, 4).dtype == np.int32


def test_inputs_that_would_be_changed_on_the_way_are_refused():
    uint8 = Tensor("uint8", (None, None))
    assert as_input("images", np.array([0, 255]), uint8).dtype == np.uint8
    with pytest.raises(ValueError, match=r"images must be in \[0, 255\], got values from -1 to 256"):
        as_input("images", np.array([-1, 256]), uint8)
    with pytest.raises(ValueError, match="images must be integers, got float64"):
        as_input("images", np.array([0.5]), uint8)
    with pytest.raises(ValueError, match=r"known must be in \[0, 1\], got values from 0 to 2"):
        as_input("known", np.array([0, 2]), Tensor("bool", None))
    assert as_input("image_bytes", [b"a\0", b""], Tensor("object", None)).tolist() == [b"a\0", b""]
    for wrong in (b"one file, not in a list", "a.png", ["a.png"], [137, 80]):
        with pytest.raises(ValueError, match="image_bytes must be a list of bytes, the contents of one file each"):
            as_input("image_bytes", wrong, Tensor("object", None))


def test_messages_of_tensorflow_become_one_sentence():
    message = "{{function_node f}} assertion failed: [must be 8x8; given are] [1] [[8 8][9 9]]\n\t [[{{node g}}]]"
    assert tidy(message) == "must be 8x8; given are 1 [8 8][9 9]"
    assert tidy("Invalid PNG data, size 75\n\t [[{{node decode}}]]") == "Invalid PNG data, size 75"
    assert tidy("") == ""


def test_png_files():
    picture = np.arange(18, dtype="uint8").reshape(2, 3, 3)
    assert np.array_equal(png_files.decode(png_files.encode(picture), "a.png", 3), picture)
    for broken in (b"", b"GIF89a" + b"\0" * 30, png_files.encode(picture)[:50]):
        with pytest.raises(ValueError, match=r"a\.png is no PNG file"):
            png_files.decode(broken, "a.png", 3)


def test_the_program_ends_in_one_line():
    def program(*arguments):
        command = [sys.executable, "-m", "export.client", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    done = program("sample", "--server=127.0.0.1:1", "--model=digits", "--out=never.png", "--retries=0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: No server can be reached at 127.0.0.1:1: ")
    assert len(done.stderr.splitlines()) == 1
    done = program("draw", "--model=digits")
    assert "Error: write python -m export.client score|sample|complete" in done.stderr
    done = program("score", "--model=digits", "--images=no.png")
    assert done.stderr.startswith("Error: [Errno 2] No such file or directory: 'no.png'")
