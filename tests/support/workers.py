"""Training programs in processes of their own, for the tests that signal and kill them."""

import json
import os
import pathlib
import subprocess
import sys

from benchmarks.scaling import free_ports
from tests.support.training_runs import TINY

ROOT = pathlib.Path(__file__).parents[2]


def flags_of(workdir, *flags):
    """The flags of `training_runs.tiny_config`, and more."""
    network = [f"--{name}={value}" for name, value in TINY.items()]
    return [f"--workdir={workdir}", "--batch_size=32", "--num_samples=0", "--eval_images=50", *network, *flags]


def start(workdir, *flags, **environment):
    """`trainers.train` in a process of its own."""
    command = [sys.executable, "-m", "trainers.train", *flags_of(workdir, "--log_seconds=0.1", *flags)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_workers(workdir, *flags, by_environment=False):
    """Two workers over localhost, told of each other by flags or by TF_CONFIG."""
    cluster = [f"127.0.0.1:{port}" for port in free_ports(2)]
    flags = ("--strategy=multi_worker", *flags)
    if not by_environment:
        return [start(workdir, f"--cluster={','.join(cluster)}", f"--task_index={k}", *flags) for k in (0, 1)]
    tasks = [{"cluster": {"worker": cluster}, "task": {"type": "worker", "index": k}} for k in (0, 1)]
    return [start(workdir, *flags, TF_CONFIG=json.dumps(task)) for task in tasks]


def wait_for(process, words, timeout_lines=10_000):
    """Read what a process prints until a line has these words; the lines so far."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
        assert len(lines) < timeout_lines, lines[-10:]
    raise AssertionError(f"{''.join(lines)}\n{process.stderr.read()}")


def ends(*processes, timeout=600):
    """What processes print until they end: a list of (exit status, stdout, stderr)."""
    outputs = [process.communicate(timeout=timeout) for process in processes]
    return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]
