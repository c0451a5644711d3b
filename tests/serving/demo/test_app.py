"""The demo server over HTTP: the paths of TensorFlow Serving, and what it rejects."""

import json
import pathlib

import pytest
import urllib3

from export import demo
from pixelrnn_tf.programs import demo_export
from pixelrnn_tf.serving.client.client import Client
from pixelrnn_tf.serving.demo.app import HEADERS
from pixelrnn_tf.serving.demo.served_model import ServedModel
from pixelrnn_tf.serving.demo.server import serve
from tests.support.demo_servers import demo_server

PAGE = pathlib.Path(demo.__file__).with_name("page")


@pytest.fixture(scope="module")
def server(served):
    with demo_server(served, PAGE, most_bytes=20_000) as server:
        yield server


@pytest.fixture
def ask(server):
    """From a method, a path and arguments of urllib3 to the status, the headers and the JSON or text of the answer."""

    def run(method, path, url=server.url, **arguments):
        response = urllib3.request(method, url + path, retries=False, timeout=60, **arguments)
        is_json = response.headers.get("content-type") == "application/json"
        return response.status, response.headers, json.loads(response.data) if is_json else response.data.decode()

    return run


def test_versions_have_paths_and_labels_are_unknown(ask):
    expected = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/pets", "/v1/models/pets/versions/3"):
        assert ask("GET", path)[::2] == (200, {"model_version_status": [expected]})
        status, _, metadata = ask("GET", f"{path}/metadata")
        assert status == 200
        assert metadata["model_spec"] == {"name": "pets", "signature_name": "", "version": "3"}
        inputs = metadata["metadata"]["signature_def"]["signature_def"]["sample"]["inputs"]
        assert inputs["seed"]["dtype"] == "DT_INT32"
        body = {"signature_name": "describe", "inputs": {"key": ["max_batch_size", "data"]}}
        assert ask("POST", f"{path}:predict", json=body)[::2] == (200, {"outputs": ["16", "null"]})
        body = {"signature_name": "describe", "instances": [{"key": "class_names"}]}
        assert ask("POST", f"{path}:predict", json=body)[::2] == (
            200,
            {"predictions": ['["cat", "dog", "\\u00e9t\\u00e9"]']},
        )
    wrong = {"error": "Unrecognized servable version label: stable"}
    for method, path in (("GET", ""), ("GET", "/metadata"), ("POST", ":predict")):
        answer = ask(
            method, f"/v1/models/pets/labels/stable{path}", body=b'{"inputs": [1]}' if path == ":predict" else None
        )
        assert answer[::2] == (400, wrong)
    assert ask("GET", "/v1/models/pets/versions/4")[0] == 404
    assert ask("GET", "/v1/models/pets/versions/three")[0] == 400


def test_an_unknown_key_is_told(ask):
    body = {"signature_name": "describe", "inputs": {"key": ["dream"]}}
    status, _, answer = ask("POST", "/v1/models/pets:predict", json=body)
    assert status == 400
    assert "key must be among model, preset, data, scores, max_batch_size, class_names, examples" in answer["error"]
    assert "dream" in answer["error"]


def test_the_client_reads_the_card(server, model):
    with Client(server.url, "pets") as client:
        assert client.card["model"]["block"] == "row_lstm"
        assert client.card["scores"] == {"test": {"nats_per_image": 40.5}}
        assert client.card["class_names"] == ["cat", "dog", "été"]
        assert len(client.card["examples"]) == 10
        assert "data" not in client.card


def test_the_client_asks_for_names_within_the_limit_of_the_export(server, monkeypatch):
    with Client(server.url, "pets") as client:
        sizes, predict = [], client.predict
        monkeypatch.setattr(client, "_card", {"max_batch_size": 2})
        monkeypatch.setattr(
            client, "predict", lambda name, **given: sizes.append(len(given["condition"])) or predict(name, **given)
        )
        assert client.class_names == ("cat", "dog", "été")
        assert sizes == [2, 1]


def test_large_requests_and_other_hosts_are_rejected(ask):
    assert ask("POST", "/v1/models/pets:predict", body=b" " * 20_001)[::2] == (
        413,
        {"error": "The request is larger than 20000 bytes."},
    )
    parts = (b" " * 4_000 for _ in range(10))
    assert ask("POST", "/v1/models/pets:predict", body=parts)[0] == 413
    assert ask("GET", "/v1/models/pets", headers={"Host": "evil.example"})[0] == 400
    assert ask("GET", "/", headers={"Host": "evil.example"})[0] == 400
    assert ask("GET", "/v1/models/pets", headers={"Host": "localhost:8501"})[0] == 200


def test_the_page_is_served_with_headers_that_keep_others_out(ask):
    status, headers, _ = ask("GET", "/", redirect=False)
    assert status == 307
    assert headers["location"].endswith("/?model=pets")
    status, headers, text = ask("GET", "/?model=pets")
    assert status == 200
    assert "<title>" in text
    assert {name: headers[name] for name in HEADERS} == HEADERS
    for name in ("page.js", "style.css", "icon.svg"):
        assert ask("GET", f"/{name}")[0] == 200
    assert ask("GET", "/../demo.py")[0] == 404
    # Nothing is loaded from elsewhere.
    for path in PAGE.iterdir():
        assert "http" not in path.read_text().replace("http://www.w3.org/2000/svg", "").replace(
            "https://www.tensorflow.org/tfx/serving/api_rest", ""
        ).replace("http://localhost:8501", "").replace("(HTTP", ""), path.name


def test_other_origins_may_use_the_server_only_if_asked(ask, server, served):
    url, origin = "/v1/models/pets:predict", {"Origin": "http://localhost:8000"}
    # A browser sends plain text without a preflight.
    post = {"body": '{"signature_name": "describe", "inputs": {"key": ["data"]}}'}
    for path, arguments in (("/v1/models/pets", {}), (url, post)):
        method = "POST" if arguments else "GET"
        status, headers, answer = ask(method, path, headers=origin, **arguments)
        assert status == 403
        assert answer == {
            "error": "Pages of http://localhost:8000 may not use this server. Pass --allow_origin=http://localhost:8000."
        }
        assert "access-control-allow-origin" not in headers
        assert ask(method, path, headers={"Origin": "null"}, **arguments)[0] == 403
        assert ask(method, path, headers={"Origin": server.url}, **arguments)[0] == 200
    with demo_server(served, allow_origin=["http://localhost:8000"]) as open_server:
        status, headers, _ = ask("POST", url, open_server.url, headers=origin, **post)
        assert status == 200
        assert headers["access-control-allow-origin"] == "http://localhost:8000"
        status, headers, _ = ask("POST", url, open_server.url, headers={"Origin": "http://evil.example"}, **post)
        assert status == 403
        assert "access-control-allow-origin" not in headers
        assert ask("GET", "/", open_server.url)[0] == 404, "it serves no page"
    with demo_server(served, allow_origin=["*"]) as open_server:
        assert ask("POST", url, open_server.url, headers=origin, **post)[0] == 200


def test_a_model_that_cannot_be_loaded_is_told(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "saved_model.pb").write_bytes(b"broken")
    served = ServedModel("broken", tmp_path)
    with demo_server(served) as server:
        url = f"{server.url}/v1/models/broken"
        assert urllib3.request("GET", url, timeout=60).json()["model_version_status"][0]["state"] == "START"
        served.load()
        (version,) = urllib3.request("GET", url, timeout=60).json()["model_version_status"]
        assert (version["version"], version["state"]) == ("7", "END")
        assert version["status"]["error_message"]
        assert urllib3.request("POST", f"{url}:predict", body=b"{}", timeout=60).status == 404


def test_a_port_in_use_is_told(server, served):
    with pytest.raises(OSError, match=rf"Port {server.port} of 127\.0\.0\.1 cannot be opened .*Give another --port"):
        serve(served, PAGE, port=server.port)


def test_a_port_in_use_is_told_before_the_export(server, monkeypatch):
    monkeypatch.setattr(demo_export, "exported", lambda model, name: pytest.fail("it exports"))
    for flag in ("port", "grpc_port"):
        told = rf"Port {server.port} of 127\.0\.0\.1 cannot be opened .*Give another --{flag}, or 0"
        with pytest.raises(OSError, match=told):
            demo.main(demo.Options(pathlib.Path("digits"), **{"port": 0, flag: server.port}))


def test_flags_are_checked():
    for origin in ("localhost:8000", "http://a.example/page", "http://a b"):
        with pytest.raises(ValueError, match="--allow_origin must be an origin such as"):
            demo.Options(model=pathlib.Path("digits"), allow_origin=(origin,))
    demo.Options(model=pathlib.Path("digits"), allow_origin=("http://localhost:8000", "*"))
    with pytest.raises(ValueError, match="port"):
        demo.Options(model=pathlib.Path("digits"), port=70_000)
    with pytest.raises(ValueError, match="--port and --grpc_port must differ; both are 8501"):
        demo.Options(model=pathlib.Path("digits"), grpc_port=8501)
    demo.Options(model=pathlib.Path("digits"), port=0, grpc_port=0)


def test_a_name_that_is_no_address_is_told():
    told = r"Names of models must consist of .*; got my run\. Give another name with --model_name\."
    for options in (
        demo.Options(pathlib.Path("my run")),
        demo.Options(pathlib.Path("run"), model_name="my run"),
    ):
        with pytest.raises(ValueError, match=told):
            demo.main(options)
