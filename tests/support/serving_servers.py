"""Servers that tests run against: the demo server always, and TensorFlow Serving itself where there is one.

A real server is used if `TF_SERVING_ADDRESS` names one, as `rest=HOST:PORT,grpc=HOST:PORT`, or if
`tensorflow_model_server` is on the PATH, which is then started. One that is named must serve, as "digits", what
`python -m tests.support.serving_servers BASE/digits` writes.
"""

import contextlib
import dataclasses
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import keras

from benchmarks.scaling import free_ports
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.serving import Client
from pixelrnn_tf.serving.client.errors import ServingError
from pixelrnn_tf.serving.saved_model_writer import export_model
from tests.support.networks import make_network

NAME = "digits"
ROOT = pathlib.Path(__file__).parents[2]
BINARY = "tensorflow_model_server"


@dataclasses.dataclass(frozen=True)
class Server:
    """Addresses by protocol, and the process where it is ours."""

    addresses: dict[str, str]
    process: subprocess.Popen | None = None

    def client(self, protocol: str, **arguments) -> Client:
        return Client(self.addresses[protocol], NAME, protocol=protocol, **arguments)

    def wait(self, seconds: float = 600.0) -> "Server":
        """Until the model is loaded."""
        client, end = self.client("rest", retries=0), time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(ServingError):
                if [state.state for state in client.status()] == ["AVAILABLE"]:
                    return self
            if self.process and self.process.poll() is not None:
                raise RuntimeError(f"The server ended with {self.process.returncode}.")
            time.sleep(0.1)
        raise TimeoutError(f"No model is loaded at {self.addresses} after {seconds} seconds.")


def served_model(dtype: str = "float32") -> PixelRNN:
    """The network that is served: the same in every process, and with the same weights in every precision."""
    keras.utils.set_random_seed(0)
    return make_network("row_lstm", (5, 6, 1), num_blocks=1, dtype=dtype)


@contextlib.contextmanager
def stand_in(
    base_path: pathlib.Path, program: Sequence[str | os.PathLike] = (sys.executable, "-m", "export.demo")
) -> Iterator[Server]:
    """The demo server, in a process of its own."""
    flags = (f"--model={base_path.absolute()}", f"--model_name={NAME}", "--port=0", "--grpc_port=0", "--noopen_browser")
    with _started([*program, *flags], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        told = "".join(itertools.takewhile(lambda line: "Loading" not in line, process.stdout))
        addresses = dict(zip(("rest", "grpc"), re.findall(r"127\.0\.0\.1:\d+", told)[1:], strict=False))
        if len(addresses) != 2:
            raise RuntimeError(f"The demo server ended with {process.wait()}: {told}")
        yield Server(addresses, process).wait()


def has_real_server() -> bool:
    return bool(os.environ.get("TF_SERVING_ADDRESS") or shutil.which(BINARY))


@contextlib.contextmanager
def real_server(base_path: pathlib.Path) -> Iterator[Server]:
    """TensorFlow Serving: the one that is named, or the one on the PATH."""
    address = os.environ.get("TF_SERVING_ADDRESS")
    if address:
        yield Server(dict(part.split("=", 1) for part in address.split(","))).wait()
        return
    ports = dict(zip(("grpc", "rest"), free_ports(2), strict=True))
    command = [
        BINARY, f"--port={ports['grpc']}", f"--rest_api_port={ports['rest']}", f"--model_name={NAME}",
        f"--model_base_path={base_path.absolute()}",
    ]  # fmt: skip
    with _started(command) as process:
        yield Server({protocol: f"127.0.0.1:{port}" for protocol, port in ports.items()}, process).wait()


@contextlib.contextmanager
def _started(command: list, **arguments) -> Iterator[subprocess.Popen]:
    with subprocess.Popen(command, **arguments) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    print(export_model(served_model(), sys.argv[1]))
