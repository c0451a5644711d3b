"""Signals that ask a run to stop: it saves, and the same command goes on."""

import signal
import threading
from types import FrameType


class StopRequest:
    """Turns SIGINT and SIGTERM into a request to stop after the step in progress.

    A second signal ends the program at once.
    """

    def __init__(self):
        self.signal: str | None = None
        self._previous = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            return self  # Python allows signal handlers in the main thread alone.
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number).name
        print(f"{self.signal}: stopping after this step. Once more ends at once.", flush=True)
