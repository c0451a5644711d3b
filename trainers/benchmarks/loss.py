"""What the loss and its gradient hold at their peak, beside the general cross-entropy of TensorFlow.

They are measured in a process of their own: into what others have freed the allocator would put arrays that are
smaller, and count them as large as what they lie in.
"""

import functools
import json
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from pixelrnn_tf.layers import Softmax
from pixelrnn_tf.models import negative_log_likelihood
from trainers.benchmarks.memory import peak_bytes, reserve_block
from trainers.benchmarks.timed_process import output_of
from trainers.loss import nats_per_image

IMAGES = (16, 32, 32, 3)
LEVELS = 256


def run() -> list[dict[str, Any]]:
    """Measure the losses and print a table.

    Returns:
        what `peaks` does.
    """
    rows = peaks_alone(IMAGES, LEVELS)
    number, *shape = IMAGES
    print(f"memory of loss and gradient beyond the logits, {number} images of {'x'.join(map(str, shape))} at {LEVELS} ")
    print(f"levels, in multiples of the logits\n{'loss':<26} {'without XLA':>12} {'with XLA':>9}", flush=True)
    for row in rows:
        print(f"{row['loss']:<26} {_written(row['without_xla']):>12} {_written(row['with_xla']):>9}")
    return rows


def _written(multiple: float | None) -> str:
    return "?" if multiple is None else f"{multiple:.2f}"


def peaks_alone(images: tuple[int, ...], levels: int) -> list[dict[str, Any]]:
    """`peaks`, measured in a new process.

    Raises:
        RuntimeError: if it fails, with what it said.
    """
    *_, rows = output_of("-m", __name__, json.dumps([images, levels]))
    return json.loads(rows)


def peaks(images: tuple[int, ...], levels: int) -> list[dict[str, Any]]:
    """Peaks beyond the logits, as multiples of their size.

    Args:
        images: `(batch, height, width, channels)`.
        levels: number of values of a sub-pixel.

    Returns:
        of each loss: `loss`, its name, and `without_xla` and `with_xla`; None where TensorFlow does not tell.
    """
    rng = np.random.default_rng(0)
    drawn = tf.constant(rng.integers(0, levels, images), tf.int32)
    logits = tf.constant(rng.normal(size=(*images, levels)), tf.float32)
    losses = {
        "in training": functools.partial(nats_per_image, Softmax(LEVELS)),
        "negative_log_likelihood": lambda drawn, logits, jit_compile: negative_log_likelihood(drawn, logits),
        "TensorFlow's": lambda drawn, logits, jit_compile: tf.nn.sparse_softmax_cross_entropy_with_logits(
            drawn, logits
        ),
    }

    def multiple(loss: Any, jit_compile: bool) -> float | None:
        @tf.function(jit_compile=jit_compile, autograph=False)
        def gradient(drawn: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(logits)
                total = tf.reduce_sum(loss(drawn, logits, jit_compile))
            return tape.gradient(total, logits)

        gradient(drawn, logits)
        peak = peak_bytes(lambda: gradient(drawn, logits))
        return None if peak is None else peak / (4 * np.prod(logits.shape))

    return [
        {"loss": name, "without_xla": multiple(loss, False), "with_xla": multiple(loss, True)}
        for name, loss in losses.items()
    ]


if __name__ == "__main__":
    reserve_block()
    print(json.dumps(peaks(*json.loads(sys.argv[1]))))
