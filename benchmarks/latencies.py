"""Latency of every signature of an exported model, and the size of the export.

The graphs run in the C++ session that TensorFlow Serving uses, in a separate process
(`pixelrnn_tf.serving.check.loader`). The times are those of the session, without a server's network, JSON and queue.
"""

import dataclasses
import pathlib
import statistics
import tempfile
import time

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.serving.check.loader import Loader
from pixelrnn_tf.serving.example_inputs import example_inputs
from pixelrnn_tf.serving.saved_model_writer import export_model, size_on_disk


@dataclasses.dataclass(frozen=True)
class Latency:
    """Times of one signature at one batch size.

    Attributes:
        signature: name of the signature.
        batch_size: rows of a request.
        first: seconds of the first request, which optimizes the graph; a server spends them in its warm-up.
        median: median seconds of later requests.
        slowest: maximum seconds of later requests.
    """

    signature: str
    batch_size: int
    first: float
    median: float
    slowest: float


@dataclasses.dataclass(frozen=True)
class ServingTimes:
    """Results of `time_signatures`.

    Attributes:
        rows: latencies, by signature and batch size.
        process: description of the process that ran the session.
        size: size of the export on disk, in bytes.
        seconds_to_load: seconds from the start of that process until it is ready, without warm-up.
    """

    rows: list[Latency]
    process: str
    size: int
    seconds_to_load: float


def time_signatures(model: ImageModel, batch_sizes: tuple[int, ...] = (1, 16), repeats: int = 10) -> ServingTimes:
    """Export a model to a temporary folder, and time each of its signatures.

    Args:
        model: the network.
        batch_sizes: numbers of rows of the requests.
        repeats: requests timed after the first one, for each size.
    """
    with tempfile.TemporaryDirectory() as base:
        folder = export_model(model, pathlib.Path(base) / "model")
        start = time.perf_counter()
        with Loader(folder) as loader:
            loaded = time.perf_counter() - start
            names = sorted(loader.signatures.keys() - {"serving_default", "describe"})  # `describe` runs no network.
            rows = [_time(loader, model, name, size, repeats) for name in names for size in batch_sizes]
            return ServingTimes(rows, loader.process, size_on_disk(folder), loaded)


def _time(loader: Loader, model: ImageModel, signature: str, batch_size: int, repeats: int) -> Latency:
    values = example_inputs(model.image_shape, model.levels, model.condition_format, batch_size)
    inputs = {name: values[name] for name in loader.signatures[signature].inputs}
    first, *times = (loader.run_timed(signature, inputs)[1] for _ in range(repeats + 1))
    return Latency(signature, batch_size, first, statistics.median(times), max(times))


def print_times(times: ServingTimes) -> None:
    """Print the latencies in milliseconds, and the size."""
    print(f"serving, {times.process}; milliseconds in the session, without network and JSON")
    print(f"{'signature':<14} {'batch':>5} {'first':>9} {'median':>9} {'slowest':>9} {'rows/s':>9}")
    for row in times.rows:
        print(
            f"{row.signature:<14} {row.batch_size:>5} {1e3 * row.first:9.1f} {1e3 * row.median:9.2f} "
            f"{1e3 * row.slowest:9.2f} {row.batch_size / row.median:9.1f}"
        )
    print(f"loaded in {times.seconds_to_load:.1f}s; the SavedModel takes {times.size:,} bytes on disk", flush=True)
