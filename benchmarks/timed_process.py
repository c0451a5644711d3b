"""Processes that time something alone, and say on their output what it took."""

import os
import pathlib
import subprocess
import sys

# Where the packages lie, which a process of its own finds in its folder.
ROOT = pathlib.Path(__file__).resolve().parents[1]


def output_of(*arguments: str) -> list[str]:
    """The lines that Python prints when it is run with these arguments, from the checkout.

    Raises:
        RuntimeError: if it fails, with what it said.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"The process that was timed failed: {done.stderr.strip()}")
    return done.stdout.splitlines()
