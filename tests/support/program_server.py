"""Run short programs without importing TensorFlow for each: `python -m tests.support.program_server`.

Importing TensorFlow takes most of the time of a short program. This process imports it once, computes nothing, and
forks a child for every program. A request is a line of JSON on stdin; the answer is the exit status, a line on stdout.
Tests of how a process starts do not belong here: they run the program as a user does.
"""

import atexit
import gc
import json
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from typing import Any

from pixelrnn_cli import environment

ROOT = pathlib.Path(__file__).parents[2]
LIMIT = 600  # Seconds that a program may take.


class ProgramServer:
    """A client of the process, which starts with the first program."""

    def __init__(self):
        self._process: subprocess.Popen | None = None

    def run(self, *command: str | os.PathLike) -> subprocess.CompletedProcess:
        """Run a program to its end, in the root of the repository and the environment of this process.

        Args:
            command: the arguments of `python`: `"-m", MODULE, ...` or `"-c", CODE, ...`.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.program_server"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("stdout", "stderr")]
            request = {"command": list(map(os.fspath, command)), "paths": paths, "environment": dict(os.environ)}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            written = (pathlib.Path(path).read_text() for path in paths)
            return subprocess.CompletedProcess(command, status, *written)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate(timeout=10)


def serve() -> dict[str, Any] | None:
    """Answer requests. Returns the request in a child, and None when there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return json.loads(line)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def become(request: dict[str, Any]) -> int:
    """Go on as the program of a request. Returns its exit status."""
    signal.alarm(LIMIT)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(number, handler)
    for stream, path in enumerate([os.devnull, *request["paths"]]):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT if stream else os.O_RDONLY), stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    kind, program, *arguments = request["command"]
    sys.argv = [program if kind == "-m" else kind, *arguments]
    try:
        if kind == "-m":
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            exec(program, {"__name__": "__main__"})
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    environment.prepare()
    with environment.quiet_loading():
        import keras  # noqa: F401
    gc.freeze()
    told = serve()
    if told:
        status = become(told)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # Taking all modules down would take a second.
