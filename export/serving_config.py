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

import pathlib

from absl import flags

from export.serving import server_files
from export.serving.server_files import Batching
from pixelrnn_tf.programs import program

FLAGS = flags.FLAGS


def define_flags() -> None:
    flags.DEFINE_string("base", None, "The folder that holds the models, BASE/NAME/VERSION.", required=True)
    flags.DEFINE_bool("batching", False, "Let the server merge requests into batches.")
    flags.DEFINE_integer(
        "max_batch_size", Batching.max_batch_size, "Rows of a merged batch, and of a request, at most.", lower_bound=1
    )
    flags.DEFINE_integer("batch_timeout_micros", Batching.timeout_micros, "Wait for more rows.", lower_bound=0)
    flags.DEFINE_integer("num_batch_threads", Batching.threads, "Batches run at the same time.", lower_bound=1)


def main(_: list[str]) -> None:
    base = pathlib.Path(FLAGS.base)
    names = server_files.served_models(base)
    parameters = Batching(FLAGS.max_batch_size, FLAGS.batch_timeout_micros, FLAGS.num_batch_threads)
    for path in server_files.write_files(base, names, FLAGS.batching, parameters):
        print(f"wrote {path}")
    ports = f"gRPC on port {server_files.GRPC_PORT}, REST on port {server_files.REST_PORT}"
    print(f"\nModels: {', '.join(names)}. {ports}.\n")
    for what, command in server_files.commands(base, names, FLAGS.batching).items():
        print(f"{what}:\n    {command}")
    batching = "on" if FLAGS.batching else "off (--batching turns it on)"
    print(f"\nBatching is {batching}. {server_files.BATCHING_WARNING}")


if __name__ == "__main__":
    define_flags()
    program.run(main, loads_tensorflow=False)
