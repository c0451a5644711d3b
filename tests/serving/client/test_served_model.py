"""A served model through the client: answers, errors, wrong requests by the hundred, many clients at once.

Every test runs against the stand-in, and against TensorFlow Serving where there is one (`serving_servers`).
"""

import concurrent.futures
import functools
import json
import time

import grpc
import numpy as np
import pytest
import urllib3
from tensorflow_serving.apis import prediction_service_pb2_grpc

from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.evaluation import batched_sampling
from pixelrnn_tf.models import bits_per_dim, log_prob_map
from pixelrnn_tf.pictures import occlusion, png_files
from pixelrnn_tf.pictures.grids import occlusion_panel, square_grid
from pixelrnn_tf.serving import Client
from pixelrnn_tf.serving.client.errors import ModelNotFoundError, RequestRejectedError
from tests.support import serving_servers
from tests.support.malformed_requests import KINDS, RESERVED, Kinds, malformed_requests, to_request
from tests.support.serving_requests import SIGNATURES, to_body

REFUSALS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)


SHAPE = (5, 6, 1)
LEVELS = 4


@pytest.fixture(scope="module")
def model(gray_export):
    return gray_export[0]


@pytest.fixture(scope="module")
def base_path(gray_export):
    return gray_export[1].parent


@pytest.fixture(scope="module")
def stand_in(base_path):
    with serving_servers.stand_in(base_path) as server:
        yield server


@pytest.fixture(scope="module")
def real(base_path):
    if not serving_servers.has_real_server():
        pytest.skip("no TensorFlow Serving: neither TF_SERVING_ADDRESS nor tensorflow_model_server on the PATH")
    with serving_servers.real_server(base_path) as server:
        yield server


@pytest.fixture(params=["stand_in", "real"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["rest", "grpc"])
def protocol(request):
    return request.param


@pytest.fixture
def client(server, protocol):
    with server.client(protocol) as client:
        yield client


def lower_half(number):
    return np.broadcast_to(occlusion.known_pixels("lower_half", 5, 6), (number, 5, 6))


def test_a_served_model_draws_scores_and_completes_as_the_library_does(client, model):
    drawn = client.sample(3, seed=7)
    assert drawn.images.dtype == np.uint8
    assert np.array_equal(drawn.images, PixelDistribution(model).sample(3, seed=7))
    nats = PixelDistribution(model).log_prob(drawn.images).numpy()
    assert np.allclose(drawn.log_prob, nats, rtol=1e-5)
    scores = client.score(drawn.images)
    assert np.allclose(scores.log_prob, nats, rtol=1e-5)
    assert np.allclose(scores.bits_per_dim, bits_per_dim(-nats, SHAPE), rtol=1e-5)
    completed = client.complete(drawn.images, lower_half(3), seed=5, temperature=0.8)
    expected = batched_sampling.complete_images(
        model, drawn.images, lower_half(1)[0], samples=1, seed=5, temperature=0.8
    )
    assert np.array_equal(completed.images, expected[0])
    assert np.array_equal(completed.images[:, :2], drawn.images[:, :2])
    logits = client.predict("logits", images=drawn.images)["logits"]
    assert np.allclose(logits, model(drawn.images), rtol=1e-4, atol=1e-4)
    surprise = client.surprise(drawn.images)
    np.testing.assert_allclose(surprise.log_prob_map, log_prob_map(model, drawn.images), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(surprise.log_prob_map.sum((1, 2, 3)), surprise.log_prob, rtol=1e-4)


def test_png_files_say_the_same_as_levels(client):
    drawn, files = client.sample(2, seed=7), client.sample_png(2, seed=7)
    pixels = np.stack([png_files.decode(file, "drawn", 1) for file in files.images])
    assert np.array_equal(pixels, to_bytes(drawn.images, LEVELS))
    assert np.array_equal(files.log_prob, drawn.log_prob)
    assert np.array_equal(client.score_png(files.images).log_prob, client.score(drawn.images).log_prob)
    masks = [png_files.encode(np.where(mask, 255, 0).astype("uint8")) for mask in lower_half(2)]
    completed, expected = client.complete_png(files.images, masks, 3), client.complete(drawn.images, lower_half(2), 3)
    assert np.array_equal(completed.log_prob, expected.log_prob)
    pixels = np.stack([png_files.decode(file, "completed", 1) for file in completed.images])
    assert np.array_equal(pixels, to_bytes(expected.images, LEVELS))


def test_image_k_is_a_function_of_the_seed_and_k(client):
    five, last_two = client.sample(5, seed=2), client.sample(2, seed=2, first=3)
    assert np.array_equal(five.images[3:], last_two.images)
    assert np.allclose(five.log_prob[3:], last_two.log_prob, rtol=1e-5)
    assert not np.array_equal(five.images[3], five.images[4])


def test_the_client_knows_the_model_it_talks_to(client):
    assert client.image_shape == (5, 6, 1)
    assert client.signatures["complete"].inputs["known"].dtype == "bool"
    assert client.signatures["logits"].outputs["logits"].dtype == "float32"
    assert client.signatures.keys() == {
        "score", "serving_default", "logits", "sample", "complete", "score_png", "sample_png", "complete_png",
        "surprise", "surprise_png", "describe",
    }  # fmt: skip
    assert [(state.version, state.state) for state in client.status()] == [(1, "AVAILABLE")]


def test_errors_are_in_plain_words(client, server, protocol):
    images = np.zeros((1, 5, 6, 1), "uint8")
    with pytest.raises(RequestRejectedError, match=r"^images must hold levels from 0 to 3; .* from 4 to 4$"):
        client.score(images + np.uint8(4))
    with pytest.raises(RequestRejectedError, match=r"^images must have the shape \(batch, 5, 6, 1\); .* 1 4 6 1$"):
        client.score(images[:, 1:])
    for wrong in (-1.0, 0.0, 1e-31, 1e31, np.inf, np.nan):
        with pytest.raises(RequestRejectedError, match="temperature must hold finite numbers greater than 0"):
            client.predict("sample", seed=[[0, 1]], temperature=[wrong])
        with pytest.raises(ValueError, match="temperature must be greater than 0, from 1e-30 to 1e"):
            client.sample(1, temperature=wrong)
    with pytest.raises(RequestRejectedError, match="image_bytes must hold PNG files"):
        client.score_png([b"no picture"])
    with pytest.raises(ModelNotFoundError, match=r"has no version 3 of model 'digits'\.$"):
        server.client(protocol, version=3).score(images)
    with pytest.raises(ModelNotFoundError, match=r"has no model 'nobody'\.$"):
        Client(server.addresses[protocol], "nobody", protocol=protocol).score(images)


@pytest.fixture
def program(run_program):
    return functools.partial(run_program, "client")


def flags(server, protocol="rest"):
    return f"--server={server.addresses[protocol]}", f"--protocol={protocol}", "--model=digits"


def test_the_program_draws_the_pictures_that_trainers_draw(server, model, program, tmp_path):
    out = tmp_path / "samples.png"
    done = program("sample", *flags(server), f"--out={out}", "--num_images=5", "--batch_size=2", "--seed=7")
    assert done.returncode == 0, done.stderr
    assert f"5 images at temperature 1: {out}" in done.stdout
    drawn = batched_sampling.draw_images(model, 5, seed=7)
    assert np.array_equal(png_files.decode(out.read_bytes(), "grid", 1), square_grid(to_bytes(drawn, LEVELS)))

    done = program("sample", *flags(server), f"--out={tmp_path / 'many'}", "--num_images=2", "--seed=7")
    paths = [tmp_path / "many" / name for name in ("0000.png", "0001.png")]
    assert sorted((tmp_path / "many").iterdir()) == paths, done.stderr
    images = f"--images={paths[0]},{paths[1]}"

    out = tmp_path / "panel.png"
    done = program("complete", *flags(server), images, f"--out={out}", "--num_samples=3", "--mask=right_half")
    assert f"3 completions of 2 images, right_half occluded, at temperature 1: {out}" in done.stdout, done.stderr
    known = occlusion.known_pixels("right_half", 5, 6)
    completed = batched_sampling.complete_images(model, drawn[:2], known, samples=3, seed=0)
    panel = occlusion_panel(to_bytes(drawn[:2], LEVELS), known, to_bytes(completed, LEVELS))
    assert np.array_equal(png_files.decode(out.read_bytes(), "panel", 1), panel)


def test_the_program_scores_files_over_both_protocols(server, protocol, program, tmp_path):
    drawn = server.client("rest").sample_png(2, seed=7)
    for name, file in zip("ab", drawn.images, strict=True):
        (tmp_path / f"{name}.png").write_bytes(file)
    done = program("score", *flags(server, protocol), f"--images={tmp_path}/a.png,{tmp_path}/b.png")
    bits = bits_per_dim(-drawn.log_prob, SHAPE)
    assert done.stdout.splitlines() == [
        f"{tmp_path}/a.png: log-probability {drawn.log_prob[0]:.3f} nats, {bits[0]:.4f} bits/dim",
        f"{tmp_path}/b.png: log-probability {drawn.log_prob[1]:.3f} nats, {bits[1]:.4f} bits/dim",
        f"mean of 2 images: log-probability {drawn.log_prob.mean():.3f} nats, {bits.mean():.4f} bits/dim",
    ], done.stderr


def test_rest_answers_in_rows_too(server):
    url = f"http://{server.addresses['rest']}/v1/models/digits:predict"
    drawn = server.client("rest").sample(2, seed=1)
    rows = json.loads(
        urllib3.request("POST", url, body=to_body("serving_default", {"images": drawn.images}, "rows"), timeout=60).data
    )
    columns = json.loads(urllib3.request("POST", url, json={"inputs": drawn.images.tolist()}, timeout=60).data)
    assert [row["log_prob"] for row in rows["predictions"]] == columns["outputs"]["log_prob"]
    body = {"signature_name": "logits", "instances": drawn.images.tolist()}
    logits = json.loads(urllib3.request("POST", url, json=body, timeout=60).data)["predictions"]
    assert np.shape(logits) == (2, 5, 6, 1, 4)


def refusals_of(server):
    """From a request to the error it gets, or None for an answer."""
    pool = urllib3.PoolManager()
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(server.addresses["grpc"]))

    def refusal(request):
        if request.message is not None:
            try:
                stub.Predict(request.message, timeout=30)
            except grpc.RpcError as error:
                codes = (*REFUSALS, grpc.StatusCode.INTERNAL) if request.kind.startswith(RESERVED) else REFUSALS
                return error.details() if error.code() in codes else None
            return None
        url = f"http://{server.addresses['rest']}{request.path}"
        response = pool.request("POST", url, body=request.body, timeout=30, retries=False)
        statuses = (400, 404, 500) if request.kind.startswith(RESERVED) else (400, 404)
        return json.loads(response.data).get("error") if response.status in statuses else None

    return refusal


def test_what_malformed_requests_are_made_of_is_answered(server):
    refused, kinds = refusals_of(server), Kinds(np.random.default_rng(0), SHAPE, LEVELS)
    for form in ("grpc", "columns", "rows"):
        for name in SIGNATURES:
            assert refused(to_request("good", serving_servers.NAME, name, kinds.good(name, 2), form)) is None, name


@pytest.mark.parametrize("number", [600, pytest.param(1000, marks=pytest.mark.slow)])
def test_malformed_requests_get_an_error_and_change_nothing(server, number):
    clients = [server.client(protocol) for protocol in ("rest", "grpc")]
    before = [client.sample(3, seed=1) for client in clients]
    refused = refusals_of(server)
    requests = list(malformed_requests(number, serving_servers.NAME, SHAPE, LEVELS))
    assert {kind for kind in KINDS if any(request.kind.startswith(kind) for request in requests)} == set(KINDS)
    assert {"lone surrogate", "integer of 400 digits", RESERVED, "null"} <= {request.kind for request in requests}
    answered, start = [], time.monotonic()
    for k, request in enumerate(requests):
        if not refused(request):
            answered.append(request.kind)
        if k % 25 == 24:
            for client, good in zip(clients, before, strict=True):
                after = client.sample(3, seed=1)
                assert np.array_equal(after.images, good.images), request.kind
                assert np.array_equal(after.log_prob, good.log_prob), request.kind
    assert not answered
    assert not server.process or server.process.poll() is None
    print(f"{len(requests)} malformed requests refused in {time.monotonic() - start:.1f} seconds")


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_32_clients_at_once_lose_no_answer(server, seconds):
    expected = server.client("rest").sample(16, seed=3).images
    end = time.monotonic() + seconds

    def draw_until_the_end(number):
        client = server.client(["rest", "grpc"][number % 2], retries=0)
        rng, sent, right = np.random.default_rng(number), 0, 0
        while time.monotonic() < end:
            first = int(rng.integers(0, 14))
            sent += 1
            right += np.array_equal(client.sample(2, seed=3, first=first).images, expected[first : first + 2])
        return sent, right

    with concurrent.futures.ThreadPoolExecutor(32) as threads:
        counts = np.array(list(threads.map(draw_until_the_end, range(32))))
    sent, right = counts.sum(axis=0)
    print(f"32 clients in {seconds} seconds: {sent} requests of 2 images, {right} right answers")
    assert sent == right
    assert (counts >= 1).all()
