"""Training loop in a separate process that runs steps on request: the child of `benchmarks.scaling`.

Its argument is JSON: `arguments` of `PixelRNN`, `batch_size` over all replicas, the `cores` it may use, and the fields
of its `distribution`. It reads numbers of steps, one per line, and answers each with seconds.
"""

import json
import os
import sys
import time
from typing import Any

from pixelrnn_cli import environment


def main(job: dict[str, Any]) -> None:
    os.sched_setaffinity(0, job["cores"])  # Before TensorFlow starts its threads.
    environment.prepare()
    with environment.quiet_loading():
        from benchmarks.training_loop import random_images, run_steps, training_queue
    from pixelrnn_cli.train_config import DistributionConfig
    from pixelrnn_tf.devices.strategies import make_strategy

    with make_strategy(DistributionConfig(**job["distribution"])).scope():
        queue = training_queue(job["arguments"], random_images(job["arguments"]), job["batch_size"])
        for line in sys.stdin:
            start = time.perf_counter()
            run_steps(queue, int(line))
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
