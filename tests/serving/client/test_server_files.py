"""The configuration files of the server, and the commands that start it."""

import http.server
import json
import shlex
import subprocess
import threading

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from pixelrnn_tf.files import write_json
from pixelrnn_tf.serving import server_files


@pytest.fixture
def base(tmp_path):
    for name in ("digits/1", "digits/2", "faces.v2/1", "notes", ".hidden/1"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def test_models_are_the_folders_that_hold_versions(base):
    assert server_files.served_models(base) == ["digits", "faces.v2"]
    (base / "two words" / "1").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"letters, digits and _ \. -; got two words"):
        server_files.served_models(base)
    with pytest.raises(ValueError, match="There are no models in"):
        server_files.served_models(base / "notes")
    with pytest.raises(ValueError, match="There are no models in"):
        server_files.served_models(base / "nowhere")


def test_models_config_is_the_message_the_server_reads(base):
    server_files.write_files(base, ["digits", "faces.v2"])
    for file, where in (("models.config", "/models"), ("models.host.config", str(base))):
        config = text_format.Parse((base / file).read_text(), model_server_config_pb2.ModelServerConfig())
        found = [(model.name, model.base_path, model.model_platform) for model in config.model_config_list.config]
        assert found == [(name, f"{where}/{name}", "tensorflow") for name in ("digits", "faces.v2")]


def test_files_of_the_user_are_not_replaced(base):
    written = server_files.write_files(base, ["digits"])
    assert server_files.write_files(base, ["digits", "faces.v2"]) == written, "its own files are"
    for path in written:
        before = {other: other.read_text() for other in written}
        path.write_text("services: {}\n")
        with pytest.raises(ValueError, match=rf"{path.name} was not written by this version of serving_config"):
            server_files.write_files(base, ["digits"])
        assert {other: other.read_text() for other in written} == {**before, path: "services: {}\n"}
        path.write_text(before[path])


def test_batching_is_opt_in_and_warned_of(base):
    server_files.write_files(base, ["digits"])
    text = (base / "batching.config").read_text()
    assert "one rejected row fails the other requests in the batch too" in text
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "max_batch_size { value: 64 }",
        "batch_timeout_micros { value: 5000 }",
        "num_batch_threads { value: 2 }",
        "max_enqueued_batches { value: 100 }",
    ]
    assert "batching" not in (base / "compose.yaml").read_text()
    assert not any("batching" in flag for flag in server_files.server_flags("/models", batching=False))
    server_files.write_files(base, ["digits"], batching=True, parameters=server_files.Batching(max_batch_size=8))
    assert "max_batch_size { value: 8 }" in (base / "batching.config").read_text()
    assert "--batching_parameters_file=/models/batching.config" in (base / "compose.yaml").read_text()


def test_the_compose_file_has_a_service_for_each_device(base):
    services = yaml.safe_load(server_files.compose_file(["digits"], batching=True))["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        "serving-cpu": "tensorflow/serving:2.19.1",
        "serving-gpu": "tensorflow/serving:2.19.1-gpu",
    }
    for service in services.values():
        assert service["command"] == server_files.server_flags("/models", batching=True)
        assert service["volumes"] == [".:/models:ro"]
        assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
        assert service["healthcheck"]["test"] == ["CMD", "bash", "-c", server_files.health_test(["digits"])]
    (device,) = services["serving-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert "deploy" not in services["serving-cpu"]


@pytest.mark.parametrize("states", [{"a": "AVAILABLE", "b": "AVAILABLE"}, {"a": "AVAILABLE", "b": "LOADING"}])
def test_the_health_check_waits_for_every_model(monkeypatch, states):
    class Status(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state = states[self.path.rsplit("/", 1)[-1]]
            body = f'{{"model_version_status": [{{"version": "1", "state": "{state}"}}]}}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Status) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(server_files, "REST_PORT", server.server_port)
        command = server_files.health_test(["a", "b"]).replace("localhost", "127.0.0.1")
        done = subprocess.run(["bash", "-c", command], timeout=120)
        server.shutdown()
    assert (done.returncode == 0) == (set(states.values()) == {"AVAILABLE"})


def test_the_program_writes_the_files_and_prints_commands_a_shell_takes(base, run_program):
    done = run_program("serving_config", f"--base={base}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"wrote {base / 'models.config'}\n")
    assert {path.name for path in base.iterdir() if path.is_file()} == {
        "models.config", "models.host.config", "monitoring.config", "batching.config", "compose.yaml",
    }  # fmt: skip
    assert "Models: digits, faces.v2." in done.stdout
    assert "Batching is off" in done.stdout
    for condition, expected in (
        (None, {"seed": [0, 1], "temperature": 1.0}),
        ({"shape": [], "dtype": "int32", "below": 10}, {"seed": [0, 1], "temperature": 1.0, "condition": 0}),
    ):
        version = list(server_files.version_folders(base / "digits").values())[-1]
        write_json(version / "assets.extra" / "model.json", {"condition": condition, "max_batch_size": 32})
        draw = shlex.split(server_files.commands(base, ["digits"], False)["draw"])
        request = json.loads(draw[draw.index("-d") + 1])
        assert request == {"signature_name": "sample_png", "instances": [expected]}
    with pytest.raises(ValueError, match="at most 32, the largest batch that the export digits accepts; got 64"):
        server_files.check_batching(base, ["digits"], server_files.Batching())
    server_files.check_batching(base, ["digits"], server_files.Batching(max_batch_size=32))
    docker = {name: shlex.split(line) for name, line in server_files.commands(base, ["digits"], False).items()}
    assert docker["CPU"][:3] == ["docker", "run", "--rm"]
    assert f"{base}:/models:ro" in docker["CPU"]
    assert docker["GPU"][3:5] == ["--gpus", "all"]
    assert docker["GPU"][-4] == "tensorflow/serving:2.19.1-gpu"
    assert docker["no container"][:3] == ["tensorflow_model_server", "--port=8500", "--rest_api_port=8501"]


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ({"condition": {"shape": [2]}}, "is a vector: use export.client with --vector"),
        ({"condition": {"shape": [8, 8, 3]}}, "is a map: use export.client with --condition"),
        ({"model": {"image_shape": [8, 8, 3]}}, '"signature_name": "sample_png"'),
        ({"model": {"image_shape": [8, 8, 2]}}, '"signature_name": "sample"'),
        ({"model": {"image_shape": [8, 8, 1], "inputs": "codes"}}, '"signature_name": "sample"'),
    ],
)
def test_the_command_that_draws_is_one_that_the_export_answers(base, card, expected):
    write_json(base / "digits" / "2" / "assets.extra" / "model.json", card)
    assert expected in server_files.commands(base, ["digits"], False)["draw"]
