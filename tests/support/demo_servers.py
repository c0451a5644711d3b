"""The demo server inside the test process, where TensorFlow is loaded already."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn

from pixelrnn_tf.serving.demo.app import make_app


class DemoServer:
    """A server that can be stopped, and started again on its port."""

    def __init__(self, served, page=None, **arguments):
        self.app, self.port = make_app(served, page, **arguments), 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(self.app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listening],))
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@contextlib.contextmanager
def demo_server(served, page=None, **arguments) -> Iterator[DemoServer]:
    server = DemoServer(served, page, **arguments)
    try:
        yield server
    finally:
        server.stop()
