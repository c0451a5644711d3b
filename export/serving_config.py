"""Write the configuration of TensorFlow Serving for a folder of models: `python -m export.serving_config --base=BASE`.

BASE holds a folder of versions for every model, BASE/NAME/VERSION. The files are written into BASE, which containers
see as /models:

    models.config       all models, with the paths of the containers
    models.host.config  the same with the paths of this machine, for a server without a container
    monitoring.config   metrics for Prometheus
    batching.config     batching of requests; used only with --batching
    compose.yaml        a server on the CPU or a GPU, with a health check

Files of these names are replaced if this program wrote them, otherwise nothing is written. Prints the commands that
start a server.
"""

import dataclasses
import pathlib
import shlex

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """Models to serve, and batching."""

    base: pathlib.Path = option("The folder that holds the models, BASE/NAME/VERSION.")
    batching: bool = option("Let the server batch requests.", False)
    max_batch_size: int = option(
        "Maximum rows of a batch; the server rejects a larger request.", 64, at_least=1, at_most=100_000
    )
    batch_timeout_micros: int = option(
        "Microseconds that a request waits for others.", 5_000, at_least=0, at_most=60_000_000
    )
    num_batch_threads: int = option("Batches that run in parallel.", 2, at_least=1, at_most=1024)
    max_enqueued_batches: int = option(
        "Batches that may wait; further requests are rejected as unavailable.", 100, at_least=1, at_most=1_000_000
    )

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.serving import server_files

    base, batching = options.base, options.batching
    parameters = server_files.Batching(
        options.max_batch_size, options.batch_timeout_micros, options.num_batch_threads, options.max_enqueued_batches
    )
    names = server_files.served_models(base)
    if batching:
        server_files.check_batching(base, names, parameters)
    for path in server_files.write_files(base, names, batching, parameters):
        print(f"wrote {shlex.quote(str(path))}")
    ports = f"gRPC on port {server_files.GRPC_PORT}, REST on port {server_files.REST_PORT}"
    print(f"\nModels: {', '.join(names)}. {ports}.\n")
    for what, command in server_files.commands(base, names, batching).items():
        print(f"{what}:\n    {command}")
    words = "on" if batching else "off (--batching turns it on)"
    print(f"\nBatching is {words}. {server_files.BATCHING_WARNING}")


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
