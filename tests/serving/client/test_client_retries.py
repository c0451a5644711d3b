"""When the client tries again, how long it waits, and when it does not, against a canned server."""

import time

import grpc
import numpy as np
import pytest

from pixelrnn_tf.serving import Client
from pixelrnn_tf.serving.client import retries
from pixelrnn_tf.serving.client.errors import (
    ModelLoadingError,
    ModelNotFoundError,
    RequestRejectedError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
)
from tests.support.canned_servers import ANSWER, IMAGES, NO_MODEL, canned, canned_grpc


def states(state, message=""):
    return 200, {"model_version_status": [{"version": "1", "state": state, "status": {"error_message": message}}]}


def test_the_client_tries_again_while_the_server_is_away_with_longer_pauses(monkeypatch):
    pauses = []
    monkeypatch.setattr(retries.time, "sleep", pauses.append)
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


@pytest.mark.parametrize("body", [{"error": "Too many requests."}, b"<html>"])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_a_server_or_a_proxy_turns_away_is_tried_again(monkeypatch, status, body):
    monkeypatch.setattr(retries.time, "sleep", lambda _: None)
    with canned([(status, body), (200, ANSWER)]) as (server, times):
        assert Client(server, "digits").score(IMAGES).log_prob == np.float32(-1.5)
    assert len(times) == 2


def test_a_server_is_given_as_long_as_a_model_takes_to_load(monkeypatch):
    """By default two minutes, with pauses of at most five seconds; on a clock of the test's own."""
    now, told = [0.0], []
    monkeypatch.setattr(retries.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(retries.time, "sleep", lambda seconds: now.append(now.pop() + seconds))
    client = Client("127.0.0.1:1", "digits", notify=told.append)
    with pytest.raises(ServerUnavailableError, match="No server can be reached at"):
        client.score(IMAGES)
    assert now[0] == pytest.approx(120)
    assert 24 <= len(told) <= 60
    assert told[0].args[0].startswith("No server can be reached at 127.0.0.1:1")
    with pytest.raises(ServerUnavailableError):
        Client("127.0.0.1:1", "digits", wait=0, notify=told.append).score(IMAGES)
    assert now[0] == pytest.approx(120), "no pause"


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
        with pytest.raises(ServerTimeoutError, match=r"did not answer in 0\.1 s"):
            Client(server, "digits", timeout=0.1, retries=2).score(IMAGES)
        assert 0.3 < time.monotonic() - start < 20
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


@pytest.mark.parametrize(
    ("code", "error", "calls"),
    [
        (grpc.StatusCode.UNAVAILABLE, None, 3),
        (grpc.StatusCode.DEADLINE_EXCEEDED, None, 3),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, None, 3),
        (grpc.StatusCode.INVALID_ARGUMENT, RequestRejectedError, 1),
        (grpc.StatusCode.FAILED_PRECONDITION, RequestRejectedError, 1),
        (grpc.StatusCode.INTERNAL, ServingError, 1),
    ],
)
def test_grpc_is_tried_again_for_the_same_reasons(code, error, calls):
    with canned_grpc(code, code) as (address, service):
        client = Client(address, "digits", protocol="grpc")
        if error:
            with pytest.raises(error, match="canned"):
                client.score(IMAGES)
        else:
            assert client.score(IMAGES).log_prob == np.float32(-1.5)
        assert service.calls == calls
