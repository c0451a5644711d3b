"""Signals that ask a run to stop: it saves, and the same command goes on."""

import io
import os
import signal
import sys
import threading
from types import FrameType

# SIGHUP comes when the terminal is closed.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopRequest:
    """Turns SIGINT, SIGTERM and SIGHUP into a request to stop after the step in progress.

    A second signal ends the program as `KeyboardInterrupt` does, which may take a moment; a third one ends the process
    where it stands. Files are whole all the same, as they are renamed into place.
    """

    def __init__(self):
        self.signal: str | None = None
        self._received = 0
        self._previous = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            return self  # Python allows signal handlers in the main thread alone.
        for number in SIGNALS:
            # A program that was started to outlive its terminal, by nohup, ignores that signal.
            if signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._received += 1
        if self._received > 2:
            os._exit(128 + number)
        if self._received == 2:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number).name
        try:
            print(f"{self.signal}: stopping after this step. Once more ends at once.", flush=True)
        except OSError:
            _be_silent()


class _Discarded(io.TextIOBase):
    """A stream that goes nowhere."""

    def write(self, text: str) -> int:
        return len(text)


def _be_silent() -> None:
    """Discard what is printed from now on: the terminal is gone, and writing to it would fail."""
    sys.stdout = sys.stderr = _Discarded()
