"""The client without a model: seeds, inputs and errors, against a canned server on the loopback interface."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_cli import client_options
from pixelrnn_tf.distributions import image_seeds, stateless_seed
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.programs import client_commands
from pixelrnn_tf.serving import Client
from pixelrnn_tf.serving.client import seeds
from pixelrnn_tf.serving.client.errors import (
    ServerUnavailableError,
    ServingError,
    tidy,
)
from pixelrnn_tf.serving.client.metadata import Tensor, as_input
from tests.support.canned_servers import ANSWER, IMAGES, METADATA, canned, canned_grpc
from tests.support.raw_pngs import turned


def test_what_is_no_server_is_told():
    with canned([(200, b"<html>")], (200, b"<html>")) as (server, _):
        client = Client(server, "digits")
        for call in (client.status, lambda: client.score(IMAGES)):
            with pytest.raises(
                ServingError, match=r"an answer that is not from TensorFlow Serving \(HTTP status 200\)"
            ):
                call()
    for protocol in ("rest", "grpc"):
        client = Client(server, "digits", protocol=protocol, retries=0)
        with pytest.raises(ServerUnavailableError, match=f"No server can be reached at {server}"):
            client.score(IMAGES)
    with pytest.raises(ValueError, match="protocol must be 'rest' or 'grpc', got 'http'"):
        Client(server, "digits", protocol="http")
    for names in (("", "digits"), (server, " ")):
        with pytest.raises(ValueError, match="server must be HOST:PORT and model a name, got "):
            Client(*names)
    for wrong in ({"timeout": 0}, {"timeout": np.inf}, {"wait": -1}, {"wait": np.inf}, {"retries": -1}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be .*, got {next(iter(wrong.values()))}"):
            Client(server, "digits", **wrong)


def test_what_cannot_be_right_is_not_sent():
    with canned([(200, ANSWER)], (200, METADATA)) as (server, times), Client(server, "digits") as client:
        with pytest.raises(ValueError, match="takes images for 'score'; got images, condition"):
            client.score(IMAGES, condition=np.zeros((1, 1, 1, 2)))
        with pytest.raises(ValueError, match=r"has no signature 'dream'; it has score\."):
            client.predict("dream", images=IMAGES)
        with pytest.raises(ValueError, match="must be at least 1 and the first at least 0, got 0 and 2"):
            client.sample(0, first=2)
        for wrong in (0.0, [1.0, -1.0], 1e-39, np.inf, "hot", [[1.0], [1.0, 2.0]]):
            with pytest.raises(ValueError, match="temperature must be "):
                client.sample(2, temperature=wrong)
        with pytest.raises(
            ValueError, match=r"temperature must be a number, or one per image for 2 images, got \[1\.0, 1"
        ):
            client.sample(2, temperature=[1.0, 1.0, 1.0])
        with pytest.raises(ValueError, match="File 1 is a PNG that viewers show turned"):
            client.score_png([b"", turned(png_files.encode(IMAGES[0]))])
    assert not times


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_no_proxy_is_asked(monkeypatch, protocol):
    for name in ("http_proxy", "HTTP_PROXY", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    with canned([(200, ANSWER)]) as (rest, _), canned_grpc() as (grpc_address, _):
        address = rest if protocol == "rest" else grpc_address
        client = Client(address, "digits", protocol=protocol, retries=0)
        assert client.score(IMAGES).log_prob == np.float32(-1.5)


@pytest.mark.parametrize("seed", [0, 7, -3, 2**31, 2**40 + 5, -(2**63), 2**64 - 1])
def test_seeds_are_those_of_the_library(seed):
    expected = image_seeds(stateless_seed(seed), tf.range(2, 6))
    assert np.array_equal(seeds.image_seeds(seed, first=2, number=4), expected)
    assert seeds.image_seeds(seed, 2, 4).dtype == np.int32
    pair = stateless_seed(seed).numpy()
    for given in (pair, pair.tolist(), tuple(pair.view("uint32"))):
        assert np.array_equal(seeds.image_seeds(given, first=2, number=4), expected)


def test_seeds_are_what_users_of_numpy_have():
    for seed in (np.int8(-3), np.int32(-3), np.int64(-3), np.array(-3)):
        assert np.array_equal(seeds.image_seeds(seed, 0, 2), seeds.image_seeds(-3, 0, 2))
    for wrong in (2**64, -(2**63) - 1, 1.0, "1", None, [1, 2, 3], [2**32, 0], [0.5, 1]):
        with pytest.raises(
            ValueError, match="seed must be an integer of up to 64 bits or a pair of integers of up to 32"
        ):
            seeds.image_seeds(wrong, 0, 1)
    assert seeds.image_seeds(0, 2**31 - 1, 1)[0, 1] == 2**31 - 1
    with pytest.raises(ValueError, match="Images are numbered from 0 to 2147483647, got 2 of them from 2147483647 on"):
        seeds.image_seeds(0, 2**31 - 1, 2)


def test_inputs_that_would_be_changed_on_the_way_are_refused():
    uint8 = Tensor("uint8", (None, None))
    assert as_input("images", np.array([0, 255]), uint8).dtype == np.uint8
    with pytest.raises(ValueError, match=r"images must be in \[0, 255\], got values from -1 to 256"):
        as_input("images", np.array([-1, 256]), uint8)
    with pytest.raises(ValueError, match="images must be integers, got float64"):
        as_input("images", np.array([0.5]), uint8)
    with pytest.raises(ValueError, match=r"known must be in \[0, 1\], got values from 0 to 2"):
        as_input("known", np.array([0, 2]), Tensor("bool", None))
    with pytest.raises(ValueError, match=r"known must be in \[0, 1\], got values from 0 to 255"):
        as_input("known", np.array([0, 1, 255]), Tensor("bool", None))
    for mask in ([True, False], [1, 0], [255, 0], np.array([255, 0], "uint8")):
        array = as_input("known", mask, Tensor("bool", None))
        assert array.tolist() == [True, False]
        assert array.dtype == bool
    assert as_input("image_bytes", [b"a\0", b""], Tensor("object", None)).tolist() == [b"a\0", b""]
    for wrong in (b"one file, not in a list", "a.png", ["a.png"], [137, 80]):
        with pytest.raises(ValueError, match="image_bytes must be a list of bytes, the contents of one file each"):
            as_input("image_bytes", wrong, Tensor("object", None))


def test_messages_of_tensorflow_become_one_sentence():
    message = "{{function_node f}} assertion failed: [must be 8x8; given are] [1] [[8 8][9 9]]\n\t [[{{node g}}]]"
    assert tidy(message) == "must be 8x8; given are 1 [8 8][9 9]"
    assert tidy("Invalid PNG data, size 75\n\t [[{{node decode}}]]") == "Invalid PNG data, size 75"
    assert tidy("") == ""


def test_the_program_ends_in_one_line(run_program):
    program = functools.partial(run_program, "client")
    done = program("sample", "--server=127.0.0.1:1", "--model=digits", "--out=never.png", "--retries=0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: No server can be reached at 127.0.0.1:1: ")
    assert len(done.stderr.splitlines()) == 1
    done = program("draw", "--model=digits")
    assert "Error: the client requires a command, score|classify|sample|complete" in done.stderr
    done = program("score", "--model=digits", "--images=no.png")
    assert done.stderr == "Error: --images must be PNG files, but there is no file 'no.png'.\n"
    done = program("sample", "--server=127.0.0.1:1", "--model=digits", "--out=never.png", "--wait=0.3")
    told, error = done.stderr.splitlines()
    assert told.startswith("No server can be reached at 127.0.0.1:1: ")
    assert told.endswith("; trying again for up to 0.3 s.")
    assert error.startswith("Error: No server can be reached at 127.0.0.1:1: ")


def test_what_cannot_be_right_is_told_before_the_server_is_asked(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    sample = client_options.SampleOptions
    for wrong, message in (
        ({"out": tmp_path / "x.jpg"}, "out must be a .png file or a folder"),
        ({"out": tmp_path / "folder.png"}, "is a folder already"),
        ({"out": tmp_path}, "is not empty; choose another folder"),
        ({"out": tmp_path / "x.png", "num_images": 10**12}, "num_images must be an integer of at least 1 and at"),
        ({"out": tmp_path / "x.png", "batch_size": 0}, "batch_size must be an integer of at least 1"),
        (
            {"out": tmp_path / "x.png", "temperature": 0.0},
            "temperature must be a number of at least 1e-30 and at most 1e",
        ),
        ({"out": tmp_path / "x.png", "timeout": np.inf}, "timeout must be a number greater than 0"),
        ({"out": tmp_path / "x.png", "seed": 2**64}, "seed must be an integer"),
        ({"out": tmp_path / "x.png", "model": " "}, "model must be a name"),
        ({"out": tmp_path / "x.png", "server": ""}, "server HOST:PORT; one of them is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            sample(**{"model": "digits", **wrong})
    for images in ((), ("",), ("~",), (str(tmp_path / "b.png"),)):
        with pytest.raises(ValueError, match="images must be PNG files, "):
            client_options.ScoreOptions(model="digits", images=images)
    np.save(tmp_path / "map.npy", np.zeros((2, 3)))
    options = client_options.ScoreOptions(
        model="digits", images=(str(tmp_path / "a.png"),), condition=tmp_path / "map.npy"
    )
    with pytest.raises(ValueError, match=r"must hold one conditioning map .* got an array of shape \(2, 3\)"):
        client_commands.score(options)
    with pytest.raises(ValueError, match="classify predicts the class: omit --label, --vector and --condition"):
        client_options.ClassifyOptions(model="digits", images=(str(tmp_path / "a.png"),), label=3)
