"""Separate processes for timing, which print their results."""

import os
import pathlib
import subprocess
import sys

# Folder of the packages, the working directory of separate processes.
ROOT = pathlib.Path(__file__).resolve().parents[1]


def output_of(*arguments: str) -> list[str]:
    """Run Python with these arguments from the checkout, and return its output lines.

    Raises:
        RuntimeError: if it fails; the message has its error output.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"A timed process failed: {done.stderr.strip()}")
    return done.stdout.splitlines()
