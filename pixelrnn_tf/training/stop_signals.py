"""Signals that stop a run after saving it, so that it can resume."""

import io
import os
import signal
import sys
import threading
from types import FrameType

# SIGHUP is sent when the terminal is closed.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopRequest:
    """Context manager that turns SIGINT, SIGTERM and SIGHUP into a request to stop after the current step.

    A second signal raises `KeyboardInterrupt`, which may take a moment. A third one ends the process immediately. Files
    stay intact, since they are renamed into place.
    """

    def __init__(self):
        self.signal: str | None = None
        self._received = 0
        self._previous = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            return self  # Python only allows signal handlers in the main thread.
        for number in SIGNALS:
            # A program started with nohup ignores that signal.
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
            print(f"{self.signal}: stopping after this step. Send it again to stop now.", flush=True)
        except OSError:
            _be_silent()


class _Discarded(io.TextIOBase):
    """A stream that discards its input."""

    def write(self, text: str) -> int:
        return len(text)


def _be_silent() -> None:
    """Discard all further output: the terminal is gone, and writing would fail."""
    sys.stdout = sys.stderr = _Discarded()
