"""Time the parts of a cold start, up to a drawn image.

Every round is a separate process, which prints a line of JSON for each part. Processor time is reported next to wall
time, since it is comparable on a machine that is not idle.
"""

import json
import statistics
from typing import Any

from benchmarks.timed_process import output_of

ROUNDS = 3  # Maximum, since each takes seconds.

_CHILD = """
import json, resource, sys, time

def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

last = [time.perf_counter(), processor()]

def done(part):
    now = [time.perf_counter(), processor()]
    print(json.dumps([part, *(b - a for a, b in zip(last, now))]), flush=True)
    last[:] = now

from pixelrnn_cli import environment
environment.prepare()
import keras
done("import TensorFlow and Keras")
import pixelrnn_tf
pixelrnn_tf.models, pixelrnn_tf.sampling.generate
done("import the network and the sampler")
import pixelrnn_tf.distributions
done("import TensorFlow Probability")
model = pixelrnn_tf.PixelRNN.from_preset(sys.argv[1], load_weights=sys.argv[2] == "True")
done("load the preset")
distribution = pixelrnn_tf.distributions.PixelDistribution(model)
distribution.sample(1, seed=0).numpy()
done("trace the sampler and draw an image")
distribution.sample(1, seed=1).numpy()
done("draw another one")
images = distribution.sample(7, seed=2)
done("draw seven")
distribution.log_prob(images).numpy()
done("trace the likelihood and score them")
distribution.log_prob(images[:3]).numpy()
done("score three")
"""
# The part that ends with the first image; later parts show that nothing is traced again.
_FIRST_ANSWER = "trace the sampler and draw an image"


def run(rounds: int, preset: str) -> dict[str, Any]:
    """Time the parts of a cold start and print a table.

    Args:
        rounds: number of processes, whose medians are printed; at most three.
        preset: name of a network; it is untrained if it has no weights.

    Returns:
        wall and processor seconds by part, and in "first image" those until the first image.
    """
    rounds = min(rounds, ROUNDS)
    print(f"from a cold process to a drawn image of {preset}, medians of {rounds} processes")
    print(f"{'part':<38} {'clock':>8} {'processor':>10}", flush=True)
    processes = [_time_process(preset) for _ in range(rounds)]
    results = {part: [statistics.median(p[part][k] for p in processes) for k in range(2)] for part in processes[0]}
    parts = list(results)
    until = parts[: parts.index(_FIRST_ANSWER) + 1]
    results["first image"] = [statistics.median(sum(p[x][k] for x in until) for p in processes) for k in range(2)]
    for part, (clock, processor) in results.items():
        print(f"{part:<38} {clock:6.2f} s {processor:8.2f} s", flush=True)
    return results


def _time_process(preset: str) -> dict[str, list[float]]:
    """Measure the wall and processor seconds of each part in a new process."""
    from pixelrnn_tf.zoo import find_preset

    lines = output_of("-c", _CHILD, preset, str(find_preset(preset) is not None))
    return {part: seconds for part, *seconds in map(json.loads, lines)}
