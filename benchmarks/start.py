"""From a cold process to a drawn image: how long each part takes.

Every round is a process of its own, which prints a line of JSON for each part as it ends. The processor's seconds are
beside those of the clock, since of a machine that does other things too they are what can be compared.
"""

import json
import statistics
from typing import Any

from benchmarks.timed_process import output_of

ROUNDS = 3  # At most: each takes seconds.

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
pixelrnn_tf.distributions
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
# What is done until the first image is there; the rest shows that nothing is traced again.
_FIRST_ANSWER = "trace the sampler and draw an image"


def run(rounds: int, preset: str) -> dict[str, Any]:
    """Time the parts of a cold start and print a table.

    Args:
        rounds: processes started one after the other, of which medians are taken; three at most.
        preset: name of a network, which is made untrained if it has no weights.

    Returns:
        seconds of the clock and of the processor by part, and in "first image" those until an image was there.
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
    """Seconds of the clock and of the processor that each part took in a new process."""
    from pixelrnn_tf.zoo import find_preset

    lines = output_of("-c", _CHILD, preset, str(find_preset(preset) is not None))
    return {part: seconds for part, *seconds in map(json.loads, lines)}
