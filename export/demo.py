"""Try a model in the browser: draw half a digit and watch it finish.

`python -m export.demo --model=mnist_diagonal_bilstm_7x16` exports the model, serves it on this machine only, and prints
the address of a page. On the page you can draw, complete and sample images, and see what the model expects.

The server has the REST interface of TensorFlow Serving, and runs the same graphs in the same kind of session. It is for
trying a model. For production, use TensorFlow Serving: export with `export.saved_model`.
"""

import dataclasses
import pathlib
import re
import sys
from typing import TYPE_CHECKING

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option

if TYPE_CHECKING:
    from pixelrnn_tf.serving.demo.server import Addresses

PAGE = pathlib.Path(__file__).with_name("page")
ORIGIN = re.compile(r"\*|https?://[^/\s,*]+")


@dataclasses.dataclass(frozen=True)
class Options:
    """Model to serve, and addresses."""

    model: pathlib.Path = option("A .keras file, the name of a preset with weights, or the folder of an export.")
    model_name: str | None = option("Name of the model in addresses; by default that of the file or folder.", None)
    port: int = option("Port of the page and of REST; 0 takes a free one.", 8501, at_least=0, at_most=65_535)
    grpc_port: int | None = option(
        "Port of gRPC; 0 takes a free one. By default gRPC is not served.", None, at_least=0, at_most=65_535
    )
    open_browser: bool | None = option("Open the page; by default if a terminal and a desktop are there.", None)
    allow_origin: tuple[str, ...] = option(
        "Origins whose pages may use the server, for a page that another server serves; * for all. By default none.",
        (),
        form="origins such as http://localhost:8000",
    )

    def __post_init__(self):
        check(self)
        if self.port and self.port == self.grpc_port:
            raise ValueError(f"--port and --grpc_port must differ; both are {self.port}.")
        wrong = [origin for origin in self.allow_origin if not ORIGIN.fullmatch(origin)]
        if wrong:
            raise ValueError(f"--allow_origin must be an origin such as http://localhost:8000, or *; got {wrong[0]}.")


def main(options: Options) -> None:
    from pixelrnn_tf.programs.demo_export import exported, name_of
    from pixelrnn_tf.serving.demo.served_model import ServedModel
    from pixelrnn_tf.serving.demo.server import check_port, serve
    from pixelrnn_tf.serving.versions import check_names

    name = options.model_name or name_of(options.model)
    try:
        check_names([name])
    except ValueError as error:
        raise ValueError(f"{error} Give another name with --model_name.") from error
    check_port(options.port)  # Now, since the export may take a minute.
    if options.grpc_port is not None:
        check_port(options.grpc_port, "--grpc_port")
    served = ServedModel(name, exported(options.model, name))

    def on_start(addresses: "Addresses") -> None:
        address = f"http://{addresses.rest}/?model={name}"
        print(f"The page: {address}")
        print(f"REST, as TensorFlow Serving has it: http://{addresses.rest}/v1/models/{name}")
        if addresses.grpc:
            print(f"gRPC: {addresses.grpc}")
        print("The demo is for trying a model; for production, use TensorFlow Serving. Ctrl-C ends it.")
        print(f"Loading {name} ...", flush=True)
        if _has_desktop() if options.open_browser is None else options.open_browser:
            _open(address)

    def on_load() -> None:
        print(f"{name} cannot be loaded: {served.failure}" if served.failure else f"{name} is ready.", flush=True)

    serve(
        served,
        PAGE,
        port=options.port,
        grpc_port=options.grpc_port,
        allow_origin=options.allow_origin,
        on_start=on_start,
        on_load=on_load,
    )


def _has_desktop() -> bool:
    """Return whether the program runs in a terminal on a desktop."""
    import os

    on_desktop = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stdout.isatty() and bool(on_desktop)


def _open(address: str) -> None:
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
