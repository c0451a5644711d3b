"""The demo server: one model on the loopback interface, over REST and, if asked, gRPC."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import uvicorn

from pixelrnn_tf.serving.demo.app import make_app
from pixelrnn_tf.serving.demo.grpc_server import start_grpc
from pixelrnn_tf.serving.demo.served_model import ServedModel

HOST = "127.0.0.1"
# The signatures that the page uses, in the order in which it needs them.
PAGE_SIGNATURES = ("describe", "class_names", "complete", "classify", "surprise", "sample")


class Addresses(NamedTuple):
    """`HOST:PORT` of each interface; gRPC's is None if it is not served."""

    rest: str
    grpc: str | None


def serve(
    served: ServedModel,
    page: str | os.PathLike,
    *,
    port: int = 0,
    grpc_port: int | None = None,
    allow_origin: Sequence[str] = (),
    on_start: Callable[[Addresses], None] = lambda addresses: None,
    on_load: Callable[[], None] = lambda: None,
) -> None:
    """Serve a model until the process gets SIGINT or SIGTERM. Call it from the main thread.

    Args:
        served: the model; it is loaded while the server already answers.
        page: folder of the page.
        port: of REST and the page; 0 takes a free one.
        grpc_port: of gRPC; None for no gRPC.
        allow_origin: as in `make_app`.
        on_start: called with the addresses once they can be reached, before the model is loaded.
        on_load: called once the model is loaded, or cannot be loaded (`served.failure`).

    Raises:
        OSError: if a port is in use.
    """

    def load() -> None:
        served.load(warm=PAGE_SIGNATURES)
        on_load()

    config = uvicorn.Config(
        make_app(served, page, allow_origin),
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )
    with _listening(port) as listening:
        grpc, grpc_address = None, None
        if grpc_port is not None:
            grpc, grpc_port = start_grpc(served, HOST, grpc_port)
            grpc_address = f"{HOST}:{grpc_port}"
        on_start(Addresses(f"{HOST}:{listening.getsockname()[1]}", grpc_address))
        threading.Thread(target=load, daemon=True).start()
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            if grpc is not None:
                grpc.stop(grace=0).wait()
            served.close()


def check_port(port: int, flag: str = "--port") -> None:
    """Check that a port can be opened.

    Args:
        port: the port; 0 always passes.
        flag: name of its flag in errors.

    Raises:
        OSError: if it is in use.
    """
    _listening(port, flag).close()


def _listening(port: int, flag: str = "--port") -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=128)
    except OSError as error:
        raise OSError(
            f"Port {port} of {HOST} cannot be opened ({error.strerror}). Give another {flag}, or 0."
        ) from error
