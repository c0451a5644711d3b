"""Write what TensorFlow Serving needs to serve a folder of models: `python -m export.serving_config --base=BASE`.

BASE holds a folder of versions for every model, BASE/NAME/VERSION. The files are written into BASE itself, which
the containers see as /models:

    models.config       every model, as the containers see it
    models.host.config  the same with the paths of this machine, for a server that runs without a container
    monitoring.config   metrics for Prometheus
    batching.config     merging of requests into batches; used only with --batching
    compose.yaml        a server on the CPU or a GPU, with a health check

and the exact commands are printed.
"""

import dataclasses
import pathlib

from export.serving import server_files
from export.serving.server_files import Batching
from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.flags import check, option, options_in


@dataclasses.dataclass(frozen=True)
class Options:
    """Which models to serve, and how."""

    base: pathlib.Path = option("The folder that holds the models, BASE/NAME/VERSION.")
    batching: bool = option("Let the server merge requests into batches.", False)
    parameters: Batching = options_in(Batching)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    base, batching = options.base, options.batching
    names = server_files.served_models(base)
    for path in server_files.write_files(base, names, batching, options.parameters):
        print(f"wrote {path}")
    ports = f"gRPC on port {server_files.GRPC_PORT}, REST on port {server_files.REST_PORT}"
    print(f"\nModels: {', '.join(names)}. {ports}.\n")
    for what, command in server_files.commands(base, names, batching).items():
        print(f"{what}:\n    {command}")
    words = "on" if batching else "off (--batching turns it on)"
    print(f"\nBatching is {words}. {server_files.BATCHING_WARNING}")


if __name__ == "__main__":
    program.run(main, Options, loads_tensorflow=False)
