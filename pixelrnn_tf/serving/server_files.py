"""Configuration files of TensorFlow Serving for a folder of models, and the commands that start it.

They follow the documentation of the server. The tests run the C++ loader that the server uses, not its Docker image.
"""

import dataclasses
import json
import pathlib
import shlex
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from pixelrnn_tf.files import read_json, write_text
from pixelrnn_tf.regular_files import read_regular
from pixelrnn_tf.serving.png_ops import COLOR_TYPES
from pixelrnn_tf.serving.versions import CARD_FILE, check_names, version_folders

CPU_IMAGE, GPU_IMAGE = "tensorflow/serving:2.19.1", "tensorflow/serving:2.19.1-gpu"
GRPC_PORT, REST_PORT = 8500, 8501
CONTAINER_BASE = "/models"
METRICS_PATH = "/monitoring/prometheus/metrics"
# Drawing a large batch takes longer than the server's default limit of 30 seconds for REST requests.
REST_TIMEOUT_MS = 300_000

# First line of every file that is written; other files are not replaced.
HEADER = "# Written by pixelrnn serving_config, which replaces this file.\n"

BATCHING_WARNING = (
    "With batching, the server merges requests of several clients into one run of the graph. A run succeeds or fails "
    "as a unit: one rejected row fails the other requests in the batch too, and they get its error."
)


@dataclasses.dataclass(frozen=True)
class Batching:
    """Parameters of request batching in the server.

    Attributes:
        max_batch_size: maximum rows of a batch; the server rejects larger requests.
        timeout_micros: microseconds that a request waits for others.
        threads: number of batches that run at the same time.
        max_enqueued: number of waiting batches beyond which requests are rejected as unavailable.
    """

    max_batch_size: int = 64
    timeout_micros: int = 5_000
    threads: int = 2
    max_enqueued: int = 100

    def text(self) -> str:
        """Content of `batching.config`."""
        values = {
            "max_batch_size": self.max_batch_size,
            "batch_timeout_micros": self.timeout_micros,
            "num_batch_threads": self.threads,
            "max_enqueued_batches": self.max_enqueued,
        }
        warning = "\n".join(f"# {line}." for line in BATCHING_WARNING.rstrip(".").split(". "))
        return f"{warning}\n" + "".join(f"{name} {{ value: {value} }}\n" for name, value in values.items())


def served_models(base: pathlib.Path) -> list[str]:
    """List the names of the models in a folder.

    Raises:
        ValueError: if there are none, or a name cannot be part of a URL.
    """
    folders = [path for path in base.iterdir() if not path.name.startswith(".")] if base.is_dir() else []
    names = sorted(path.name for path in folders if version_folders(path))
    check_names(names)
    if not names:
        raise ValueError(
            f"There are no models in {base}: it must hold NAME/VERSION/saved_model.pb. Export one with "
            f"pixelrnn export --model=PATH --out={shlex.quote(str(base))}/NAME"
        )
    return names


def models_config(names: list[str], base: str) -> str:
    """Content of `models.config`, a `ModelServerConfig`, for models that the server finds in `base`."""
    config = model_server_config_pb2.ModelServerConfig()
    for name in names:
        config.model_config_list.config.add(name=name, base_path=f"{base}/{name}", model_platform="tensorflow")
    return text_format.MessageToString(config)


def monitoring_config() -> str:
    """Content of `monitoring.config`."""
    return f'prometheus_config {{ enable: true, path: "{METRICS_PATH}" }}\n'


def server_flags(base: str, batching: bool, config: str = "models.config") -> list[str]:
    """Flags of the server, except its ports."""
    common = [
        f"--model_config_file={base}/{config}",
        f"--monitoring_config_file={base}/monitoring.config",
        f"--rest_api_timeout_in_ms={REST_TIMEOUT_MS}",
    ]
    return common + ["--enable_batching", f"--batching_parameters_file={base}/batching.config"] * batching


def health_test(names: list[str]) -> str:
    """Make a bash command that succeeds once every model is available; the images have bash, but no curl."""
    requests = [
        f"exec 3<>/dev/tcp/localhost/{REST_PORT} && printf 'GET /v1/models/{name} HTTP/1.0\\r\\n\\r\\n' >&3 "
        "&& grep -q '\"AVAILABLE\"' <&3"
        for name in names
    ]
    return " && ".join(requests)


def compose_file(names: list[str], batching: bool) -> str:
    """Content of `compose.yaml`: one service for the CPU and one for a GPU, each in its own profile."""
    arguments = "".join(f'\n      - "{flag}"' for flag in server_flags(CONTAINER_BASE, batching))
    test = health_test(names).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    gpu = "[{ driver: nvidia, count: 1, capabilities: [gpu] }]"
    services = ""
    for profile, image in (("cpu", CPU_IMAGE), ("gpu", GPU_IMAGE)):
        devices = f"\n    deploy: {{ resources: {{ reservations: {{ devices: {gpu} }} }} }}" if profile == "gpu" else ""
        services += f"""
  serving-{profile}:
    profiles: [{profile}]
    image: {image}
    command:{arguments}
    volumes:
      - ".:{CONTAINER_BASE}:ro"
    ports:
      - "127.0.0.1:{GRPC_PORT}:{GRPC_PORT}"
      - "127.0.0.1:{REST_PORT}:{REST_PORT}"
    restart: unless-stopped
    healthcheck:
      test: ["CMD", "bash", "-c", "{test}"]
      interval: 10s
      timeout: 5s
      retries: 3
      start_period: 120s{devices}
"""
    return f"# TensorFlow Serving has no authentication: its ports are only open to this machine.\nservices:{services}"


def write_files(
    base: pathlib.Path, names: list[str], batching: bool = False, parameters: Batching | None = None
) -> list[pathlib.Path]:
    """Write all files that `export.serving_config` lists into `base`, and return their paths.

    Raises:
        ValueError: if `base` holds a file of one of these names that was not written here; then nothing is written.
    """
    contents = {
        "models.config": models_config(names, CONTAINER_BASE),
        "models.host.config": models_config(names, str(base.resolve())),
        "monitoring.config": monitoring_config(),
        "batching.config": (parameters or Batching()).text(),
        "compose.yaml": compose_file(names, batching),
    }
    for name in contents:
        _check_replaceable(base / name)
    for name, text in contents.items():
        write_text(base / name, HEADER + text)
    return [base / name for name in contents]


def _check_replaceable(path: pathlib.Path) -> None:
    if path.exists() and not read_regular(path).startswith(HEADER.encode()):
        raise ValueError(
            f"{path} was not written by this version of serving_config: move or delete it. Nothing was written."
        )


def card(model_dir: pathlib.Path) -> dict[str, Any]:
    """Read the card of the newest version of a model; empty for exports of other programs.

    Raises:
        ValueError: if it cannot be read.
    """
    versions = list(version_folders(model_dir).values())
    path = (versions[-1] if versions else model_dir) / CARD_FILE
    found = read_json(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not the card of an export: it holds a {type(found).__name__}.")
    return found


def check_batching(base: pathlib.Path, names: list[str], parameters: Batching) -> None:
    """Check that batches of merged requests are not larger than the exports accept.

    Raises:
        ValueError: if one may be; the message names the model and its limit.
    """
    for name in names:
        most = card(base / name).get("max_batch_size")
        if isinstance(most, int) and parameters.max_batch_size > most:
            raise ValueError(
                f"--max_batch_size must be at most {most}, the largest batch that the export {name} accepts; got "
                f"{parameters.max_batch_size}."
            )


def _draw_command(model_dir: pathlib.Path, url: str) -> str:
    """Make the command that draws an image; if the condition is too large for it, name the flag of the client."""
    row: dict[str, Any] = {"seed": [0, 1], "temperature": 1.0}
    known = card(model_dir)
    condition, arguments = known.get("condition"), known.get("model", {})
    if isinstance(condition, dict):
        if shape := condition.get("shape"):
            kind, flag = ("vector", "vector") if len(shape) == 1 else ("map", "condition")
            return f"(the condition of the model is a {kind}: use export.client with --{flag})"
        row["condition"] = 0
    channels = arguments.get("image_shape", [1])[-1]
    has_pngs = channels in COLOR_TYPES and arguments.get("inputs") != "codes"
    request = {"signature_name": "sample_png" if has_pngs else "sample", "instances": [row]}
    return f"curl --fail -d {shlex.quote(json.dumps(request))} {url}:predict"


def commands(base: pathlib.Path, names: list[str], batching: bool) -> dict[str, str]:
    """Make the commands that start a server and call it, by purpose."""
    host, ports = str(base.resolve()), f"-p 127.0.0.1:{GRPC_PORT}:{GRPC_PORT} -p 127.0.0.1:{REST_PORT}:{REST_PORT}"
    mount, rest = shlex.quote(f"{host}:{CONTAINER_BASE}:ro"), f"http://localhost:{REST_PORT}/v1/models/{names[0]}"
    run = " ".join(server_flags(CONTAINER_BASE, batching))
    on_host = shlex.join(server_flags(host, batching, "models.host.config"))
    compose = f"docker compose -f {shlex.quote(host + '/compose.yaml')}"
    return {
        "CPU": f"docker run --rm {ports} -v {mount} {CPU_IMAGE} {run}",
        "GPU": f"docker run --rm --gpus all {ports} -v {mount} {GPU_IMAGE} {run}",
        "compose": f"{compose} --profile cpu up -d   (or --profile gpu)",
        "no container": f"tensorflow_model_server --port={GRPC_PORT} --rest_api_port={REST_PORT} {on_host}",
        "health": f"curl --fail {rest} | grep '\"AVAILABLE\"'   (available means loaded and warm)",
        "signatures": f"curl --fail {rest}/metadata",
        "draw": _draw_command(base / names[0], rest),
        "metrics": f"curl --fail http://localhost:{REST_PORT}{METRICS_PATH}",
    }
