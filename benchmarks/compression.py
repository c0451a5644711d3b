"""Time compressing and decompressing, next to drawing as many images in float32 and scoring them."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.memory import mebibytes, peak_bytes
from pixelrnn_tf.compression import Codec
from pixelrnn_tf.compression.codec import batch_size_of
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.sampling import generate


def time_compression(model: PixelRNN, repeats: int) -> dict[str, Any]:
    """Median seconds of a batch of the codec and of its baselines, in turns, after a first round.

    Args:
        model: the network.
        repeats: number of rounds.

    Returns:
        `images`, their number; `bytes` of their file and `model_bytes` of their likelihood; `seconds` by the name of
        the timed function; `peak_bytes` of compressing and decompressing.
    """
    number = batch_size_of(model)
    noise = tf.random.stateless_uniform((number, *model.image_shape), (0, 0))
    draw = tf.function(lambda: generate(model, noise), jit_compile=True)
    images = draw().numpy().astype("uint8")
    score = tf.function(model)
    codec = Codec(model, jit_compile=True)
    encoded = codec.encode(images)
    timed: dict[str, Callable[[], Any]] = {
        "compress": lambda: codec.encode(images),
        "decompress": lambda: codec.decode(encoded.data),
        "draw": lambda: draw().numpy(),
        "score": lambda: [score(images[first : first + 16]).numpy() for first in range(0, number, 16)],
    }
    if not np.array_equal(codec.decode(encoded.data).images, images):
        raise FloatingPointError("The decompressed images differ: please report this bug.")
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(repeats + 1):
        for name, run in timed.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {
        "images": number,
        "bytes": len(encoded.data),
        "model_bytes": encoded.model_bits / 8,
        "seconds": {name: statistics.median(values) for name, values in seconds.items()},
        "peak_bytes": {name: peak_bytes(timed[name]) for name in ("compress", "decompress")},
    }


def run(arguments: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Time the codec of an untrained network, which takes as long as that of a trained one, and print the results.

    Args:
        arguments: arguments of `PixelRNN`.
        repeats: number of turns; medians are printed.
    """
    result = time_compression(PixelRNN(**arguments), repeats)
    network = f"{arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}, {arguments['levels']} levels"
    number = result["images"]
    print(
        f"{network}\ncompression of {number} images {arguments['image_shape']} that it drew, medians of {repeats} turns"
    )
    for name, seconds in result["seconds"].items():
        peak = f"  peak {mebibytes(result['peak_bytes'][name])} MiB" if name in result["peak_bytes"] else ""
        print(f"{name:>10} {seconds:8.3f}s {number / seconds:8.1f} images/s{peak}")
    over = result["bytes"] / result["model_bytes"] - 1
    print(
        f"{result['bytes']:,} bytes, {over:.3%} over -log2 p; draw and score are in float32, draw compiled", flush=True
    )
    return {"network": network, "image_shape": arguments["image_shape"], **result}
