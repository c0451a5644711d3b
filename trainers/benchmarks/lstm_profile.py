"""Where the time of a training step of an LSTM network goes, operation by operation.

One core computes its part of a batch, in a process of its own that has no other core. Each operation is compiled and
timed alone, on tensors of the sizes it has in a layer, and what cannot run alone, such as the gates, is the difference
of two loops with and without it. Their sum over the layers is set beside the whole step: what is left is the rest of
the network, less what XLA saves by computing operations together.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from pixelrnn_tf.programs import environment
from trainers.benchmarks.timed_process import output_of

# What is computed once per layer, in the order of the table.
OPERATIONS = (
    "input-to-state",
    "into strips",
    "state-to-state products",
    "gates",
    "slices and stores",
    "out of strips",
    "gradient: into strips",
    "gradient: state-to-state products",
    "gradient: gates, slices and stores",
    "gradient: out of strips and of the kernel",
    "gradient: input-to-state",
)


# Arguments of `PixelRNN` that replace those of a preset, and images that one core computes at once.
NETWORKS: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("mnist_diagonal_bilstm_7x16", {}, 8),
    ("mnist_diagonal_bilstm_1x32", {"image_shape": (32, 32, 3), "levels": 256}, 4),
)


def run(rounds: int) -> list[dict[str, Any]]:
    """Profile the networks and print a table of each.

    Args:
        rounds: of which medians are taken.

    Returns:
        of each `arguments`, `images`, and `milliseconds` per layer by operation, and of the whole "step".
    """
    from pixelrnn_tf.models import get_preset

    results = []
    for preset, changes, images in NETWORKS:
        results.append(_profile_in_process({**get_preset(preset).arguments, **changes}, images, rounds))
        print(table(results[-1]), flush=True)
    return results


def table(result: dict[str, Any]) -> str:
    """The table of one network."""
    arguments, spent = result["arguments"], result["milliseconds"]
    blocks, step = arguments["num_blocks"], spent["step"]
    size = "x".join(map(str, arguments["image_shape"]))
    lines = [
        f"{arguments['block']} {blocks} x {arguments['hidden']}, {result['images']} images of {size} on one core: "
        f"step {step:.1f} ms, without Adam",
        f"{'operation':<44} {'a layer':>9} {'of step':>8}",
    ]
    for name in OPERATIONS:
        lines.append(f"{name:<44} {spent[name]:6.2f} ms {blocks * spent[name] / step:>8.0%}")
    rest = step - blocks * sum(spent[name] for name in OPERATIONS)
    return "\n".join([*lines, f"{'all else':<44} {'':>9} {rest / step:>8.0%}"])


def _profile_in_process(arguments: dict[str, Any], images: int, rounds: int) -> dict[str, Any]:
    job = json.dumps({"arguments": arguments, "images": images, "rounds": rounds})
    spent = json.loads(output_of("-m", __name__, job)[-1])
    return {"arguments": arguments, "images": images, "milliseconds": spent}


def profile(arguments: dict[str, Any], images: int, rounds: int) -> dict[str, float]:
    """Milliseconds of each of `OPERATIONS` in one layer, and of the whole "step".

    Args:
        arguments: of `PixelRNN`, of an LSTM block.
        images: computed at once.
        rounds: of which medians are taken.
    """
    from trainers.benchmarks.training import time_in_turns

    medians = time_in_turns(_steps(arguments, images), rounds)
    spent = {name: 1e3 * seconds for name, seconds in medians.items()}
    products, gates, loop = (spent.pop(name) for name in ("loop of products", "loop with gates", "loop"))
    back_products, back_loop = spent.pop("loop of gradient's products"), spent.pop("loop of gradient")
    back, back_into = spent.pop("gradient of recurrence"), spent["gradient: into strips"]
    return spent | {
        "state-to-state products": products,
        "gates": gates - products,
        "slices and stores": loop - gates,
        "gradient: state-to-state products": back_products,
        "gradient: gates, slices and stores": back_loop - back_products,
        "gradient: out of strips and of the kernel": back - back_loop - back_into,
    }


def _steps(arguments: dict[str, Any], images: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    import numpy as np
    import tensorflow as tf

    from pixelrnn_tf.layers import recurrence, recurrence_gradient
    from pixelrnn_tf.layers.scan import scan
    from pixelrnn_tf.models import PixelRNN
    from trainers.gradients import loss_and_gradients

    model = PixelRNN(**arguments)
    layer = model.blocks[0].lstm
    height, width, channels = arguments["image_shape"]
    hidden, rng = arguments["hidden"], np.random.default_rng(0)
    order = layer.scan_order(images, height, width)
    weights = layer.lstm_weights().for_steps("float32")
    in_steps = order._replace(to_steps=lambda steps: steps)

    def compiled(function: Callable[..., Any], *given: tf.Tensor) -> Callable[[], object]:
        """The function as XLA compiles it."""
        run = tf.function(function, jit_compile=True, autograph=False)
        return lambda: run(*given)

    maps = tf.constant(rng.normal(size=(images, height, width, 2 * hidden)), tf.float32)
    input_to_state = layer.input_to_state(maps)
    directions = layer.to_directions(input_to_state)
    given = order.to_steps(directions)
    steps, _, strips, positions, _ = given.shape
    trace = recurrence.lstm_scan(given, weights, in_steps)
    h = order.from_steps(trace.h)
    kernel = weights.state_to_state
    by_gate = [tf.linalg.matrix_transpose(part) for part in tf.split(kernel, 4, axis=-1)]
    taps = len(order.taps)

    def loop_of_products(kernel: tf.Tensor) -> tf.Tensor:
        def step(sums, _):
            return recurrence.product(sums[..., : taps * hidden], kernel, "float32"), ()

        first = tf.ones((layer.directions, strips, positions, 4 * hidden))
        return scan(step, first, length=steps, inline=True)[0]

    def loop_with_gates(kernel: tf.Tensor) -> tf.Tensor:
        def step(state, _):
            sums, c = state
            sums = recurrence.product(sums[..., : taps * hidden], kernel, "float32")
            h, c, (o, f, i, _) = recurrence.lstm_cell(sums, c)
            # All that a step computes goes into the next, so that nothing is left out.
            return (tf.concat([h, o, f, i], -1), c), ()

        shape = (layer.directions, strips, positions)
        return scan(step, (tf.ones((*shape, 4 * hidden)), tf.ones((*shape, hidden))), length=steps, inline=True)[0]

    def loop_of_gradients_products(*by_gate: tf.Tensor) -> tf.Tensor:
        def step(d, _):
            read = sum(recurrence.product(d, part, "float32") for part in by_gate)
            return read[..., :hidden], ()

        first = tf.ones((layer.directions, strips, positions, hidden))
        return scan(step, first, length=steps, inline=True)[0]

    def loop_of_gradient(d_h, trace):
        return recurrence_gradient._backward_scan(d_h, trace, weights, order)

    def gradient_of_recurrence(d_h, h, trace):
        return recurrence_gradient.lstm_gradient(d_h, h, trace, weights, order)

    def gradient_of_input_to_state(maps, d):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = layer.input_to_state(maps)
        return tape.gradient(outputs, [maps, *layer.input_to_state.trainable_variables], d)

    drawn = tf.constant(rng.integers(0, arguments["levels"], (images, height, width, channels)), tf.uint8)
    whole = loss_and_gradients(model, jit_compile=True)
    nowhere, count, scale = tf.zeros((images, 3), tf.int32), tf.constant(float(images)), tf.constant(1.0)
    d_h = tf.ones_like(h)
    return {
        "input-to-state": compiled(layer.input_to_state, maps),
        "into strips": compiled(lambda x: order.to_steps(layer.to_directions(x)), input_to_state),
        "loop of products": compiled(loop_of_products, kernel),
        "loop with gates": compiled(loop_with_gates, kernel),
        "loop": compiled(lambda x: recurrence.lstm_scan(x, weights, in_steps), given),
        "out of strips": compiled(lambda x: layer.from_directions(order.from_steps(x)), trace.h),
        "gradient: into strips": compiled(order.to_steps, d_h),
        "loop of gradient's products": compiled(loop_of_gradients_products, *by_gate),
        "loop of gradient": compiled(loop_of_gradient, order.to_steps(d_h), trace),
        "gradient of recurrence": compiled(gradient_of_recurrence, d_h, h, trace),
        "gradient: input-to-state": compiled(gradient_of_input_to_state, maps, input_to_state),
        "step": lambda: whole(drawn, nowhere, count, scale)[0].numpy(),
    }


def main(job: dict[str, Any]) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # Before TensorFlow starts its threads.
    environment.prepare()
    print(json.dumps(profile(**job)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
