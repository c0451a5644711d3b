"""Progress on a terminal, in a log file, and none at all."""

import io
import sys

import pytest

from pixelrnn_tf import progress
from pixelrnn_tf.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def drawn(clock, seconds, last_line=True):
    with Progress("drew", 100, last_line=last_line) as shown:
        for number in range(10, 101, 10):
            clock[0] += seconds
            shown.update(number, f"loss {number}")


def test_a_log_file_has_a_line_now_and_then(clock, capsys):
    drawn(clock, 6)
    assert capsys.readouterr().out.splitlines() == [
        "drew 30/100 images in 0:18, 0:42 left",
        "drew 60/100 images in 0:36, 0:24 left",
        "drew 90/100 images in 0:54, 0:06 left",
        "drew 100/100 images in 1:00, 0:00 left",
    ]
    drawn(clock, 0.1)
    assert capsys.readouterr().out == "drew 100/100 images in 0:01, 0:00 left\n"
    drawn(clock, 0.1, last_line=False)
    assert capsys.readouterr().out == ""


def test_a_resumed_work_is_timed_from_where_it_went_on(clock, capsys):
    shown = Progress("trained", 100, "steps", start=50)
    clock[0] += 20
    shown.update(60)
    assert capsys.readouterr().out == "trained 60/100 steps in 0:20, 1:20 left\n"


def test_a_terminal_has_one_line_in_place(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
    with Progress("drew", 100) as shown:
        shown._bar.mininterval = shown._bar.delay = 0
        shown.update(40, "loss 1.5")
        progress.say("a line")
        shown.update(100)
    written = terminal.getvalue()
    assert "drew:  40%" in written
    assert "40/100" in written
    assert "images/s" in written
    assert "loss 1.5" in written
    assert "\n" not in written
    assert capsys.readouterr().out == "a line\n"


def test_quiet_shows_nothing(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "_quiet", True)
    drawn(clock, 20)
    assert sys.stderr.getvalue() == ""
    progress.say("a result")
    assert capsys.readouterr().out == "a result\n"
