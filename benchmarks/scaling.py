"""Time the training loop on two cores: by one process, by two replicas in it, and by two workers with a core each.

One process on one core is the reference. All variants run in separate processes, in turns. The number of images per
core and step is the same in all, so two cores can at best process twice the images of one.
"""

import contextlib
import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.timed_process import ROOT
from pixelrnn_tf.models import count_parameters, get_preset

PRESET = "mnist_diagonal_bilstm_1x32"
IMAGES_PER_CORE = 8


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to use the cores.

    Attributes:
        name: name in the table.
        processes: for every process the cores it may use and the fields of its `DistributionConfig`.
    """

    name: str
    processes: list[tuple[list[int], dict[str, Any]]]

    @property
    def cores(self) -> int:
        return len({core for cores, _ in self.processes for core in cores})


def variants(cores: list[int], ports: list[int]) -> list[Variant]:
    """List the variants, all on two cores except the first.

    Args:
        cores: indices of two cores.
        ports: ports of this machine, for the two workers.
    """
    cluster = [f"127.0.0.1:{port}" for port in ports]
    workers = [
        ([core], {"strategy": "multi_worker", "cluster": cluster, "task_index": k}) for k, core in enumerate(cores)
    ]
    replicas = {"strategy": "mirrored", "num_devices": 2, "num_virtual_devices": 2}
    return [
        Variant("one process", [(cores[:1], {})]),
        Variant("one process", [(cores, {})]),
        Variant("two replicas in it", [(cores, replicas)]),
        Variant("two workers", workers),
    ]


def run(rounds: int, steps: int = 12) -> dict[str, Any]:
    """Time all variants and print a table.

    Args:
        rounds: number of turns of each, whose median is printed.
        steps: steps per turn.

    Returns:
        `rows` of `name`, `cores`, `images_per_second` and `efficiency`; and `all_reduced_bytes` of a step.

    Raises:
        ValueError: if the process cannot be pinned to two cores.
        RuntimeError: if a process fails.
    """
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) < 2:
        raise ValueError(f"--parts=scaling needs two cores to pin processes to; this process has {len(available)}.")
    arguments = get_preset(PRESET).arguments
    seconds = time_variants(variants(available[:2], free_ports(2)), arguments, rounds, steps)
    rows: list[dict[str, Any]] = [
        {"name": variant.name, "cores": variant.cores, "images_per_second": IMAGES_PER_CORE * variant.cores * steps / s}
        for variant, s in seconds
    ]
    for row in rows:
        row["efficiency"] = row["images_per_second"] / (row["cores"] * rows[0]["images_per_second"])
    result = {"rows": rows, "all_reduced_bytes": all_reduced_bytes(arguments)}
    print(table(result, rounds, steps))
    return result


def all_reduced_bytes(arguments: dict[str, Any]) -> int:
    """Bytes that a replica adds to the all-reduce of a step: float32 gradients, the loss and two votes."""
    return 4 * (count_parameters(**arguments) + 3)


def time_variants(of: list[Variant], arguments: dict[str, Any], rounds: int, steps: int) -> list[tuple[Variant, float]]:
    """Measure the median seconds of a turn of every variant, after one that compiles."""
    with contextlib.ExitStack() as stack:
        started = [(variant, stack.enter_context(_processes(variant, arguments))) for variant in of]
        for _, processes in started:
            _turn(processes, steps)
        turns = [[_turn(processes, steps) for _, processes in started] for _ in range(rounds)]
    return [(variant, statistics.median(column)) for variant, column in zip(of, zip(*turns, strict=True), strict=True)]


def table(result: dict[str, Any], rounds: int, steps: int) -> str:
    """Format the results as a table."""
    lines = [
        f"the training loop on two cores, {PRESET}, {IMAGES_PER_CORE} images per core and step, medians of {rounds} "
        f"rounds of {steps} steps",
        f"{'':<20} {'cores':>5} {'images/s':>9} {'efficiency':>10}",
    ]
    for row in result["rows"]:
        lines.append(f"{row['name']:<20} {row['cores']:>5} {row['images_per_second']:9.1f} {row['efficiency']:10.1%}")
    lines.append(f"a replica gives {result['all_reduced_bytes']:,} bytes a step to the sum over all")
    return "\n".join(lines)


@contextlib.contextmanager
def _processes(variant: Variant, arguments: dict[str, Any]) -> Iterator[list[subprocess.Popen]]:
    """Start the processes of a variant, and end them with the block."""
    processes = []
    try:
        for cores, distribution in variant.processes:
            job: dict[str, Any] = {"arguments": arguments, "cores": cores, "distribution": distribution}
            job["batch_size"] = IMAGES_PER_CORE * variant.cores
            command = [sys.executable, "-m", "benchmarks.paced_process", json.dumps(job)]
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes.append(process)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _turn(processes: list[subprocess.Popen], steps: int) -> float:
    """Run steps in all processes of a variant; return the seconds of the slowest."""
    for process in processes:
        print(steps, file=process.stdin, flush=True)
    answers = [next(iter(process.stdout or ()), "") for process in processes]
    if not all(answers):
        raise RuntimeError("A timed process has ended; see its output above.")
    return max(map(float, answers))


def free_ports(number: int) -> list[int]:
    """Find unused ports of this machine."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports
