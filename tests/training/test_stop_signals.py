"""Signals stop a run after the step in progress, and again at once."""

import os
import signal

import pytest

from pixelrnn_tf.training.stop_signals import StopRequest

# A program that is interrupted so many times while it writes a file.
INTERRUPTED = """
import os, pathlib, signal, sys
from pixelrnn_cli import program
path, times = pathlib.Path(sys.argv.pop()), int(sys.argv.pop())
def write(beside):
    beside.write_text("half")
    try:
        for _ in range(min(times, 2)):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        for _ in range(times - 2):
            os.kill(os.getpid(), signal.SIGINT)
    beside.write_text("new")
def main(_):
    from pixelrnn_tf import files
    from pixelrnn_tf.training.stop_signals import StopRequest
    with StopRequest() as stop, files.written_beside(path) as beside:
        write(beside)
program.run(main)
"""


@pytest.fixture(autouse=True)
def no_signal_is_ignored():
    """As in a terminal; a shell ignores some for what it starts in the background, and so does nohup."""
    handlers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_is_a_request(name, capsys):
    before = signal.getsignal(signal.Signals[name])
    with StopRequest() as stop:
        assert stop.signal is None
        os.kill(os.getpid(), signal.Signals[name])
        assert stop.signal == name
        assert capsys.readouterr().out == f"{name}: stopping after this step. Send it again to stop now.\n"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.Signals[name]) is before


def test_a_program_that_outlives_its_terminal_goes_on():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_takes_no_more_words(monkeypatch):
    class Closed:
        def write(self, _):
            raise OSError(5, "Input/output error")

        def flush(self):
            raise OSError(5, "Input/output error")

        def fileno(self):
            return descriptor

    descriptor = os.open(os.devnull, os.O_WRONLY)
    monkeypatch.setattr("sys.stdout", Closed())
    monkeypatch.setattr("sys.stderr", Closed())
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.signal == "SIGHUP"
    os.close(descriptor)


@pytest.mark.parametrize(("times", "status", "content"), [(1, 0, "new"), (2, 130, "old"), (3, 130, "old")])
def test_interrupts_while_a_file_is_written_leave_it_whole_and_no_traceback(times, status, content, programs, tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    done = programs.run("-c", INTERRUPTED, str(times), path)
    assert (done.returncode, done.stderr) == (status, "")
    assert path.read_text() == content
    assert done.stdout == "SIGINT: stopping after this step. Send it again to stop now.\n"
