"""Progress of long-running work: a progress bar on a terminal, occasional lines in a log file."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

# Seconds between two lines in a log file.
LOG_SECONDS = 15.0
_quiet = False


def set_quiet(quiet: bool) -> None:
    """Turn progress off or on in this process."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Return True if progress is off."""
    return _quiet


def on_terminal() -> bool:
    """Return True if progress is a bar, that is, standard error is a terminal."""
    return not _quiet and sys.stderr.isatty()


def say(text: str) -> None:
    """Print a line on standard output, above the progress bar if there is one."""
    if on_terminal():
        tqdm.write(text)
    else:
        print(text)
    sys.stdout.flush()


def duration(seconds: float) -> str:
    """Format seconds as 1:02:03 or 2:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """Progress of work with a known total; use it in a `with` block.

    On a terminal it is a bar with rate and remaining time, on standard error, which disappears at the end. Otherwise it
    is a line on standard output every `LOG_SECONDS`, and one at the end.

    Args:
        done: verb for the work, such as "drew".
        total: total number of units.
        unit: name of the unit.
        start: number of units already done.
        last_line: print a line at the end even if the work took less than `LOG_SECONDS`.

    Attributes:
        seconds: seconds from the start to the last update.
    """

    def __init__(self, done: str, total: int, unit: str = "images", start: int = 0, last_line: bool = True):
        self.done, self.total, self.unit, self.number = done, total, unit, start
        self.seconds, self._first, self._start = 1e-9, start, time.monotonic()
        self._told, self._last_line = self._start, last_line
        self._bar = None
        if on_terminal():
            self._bar = tqdm(
                desc=done, total=total, unit=f" {unit}", initial=start, leave=False, dynamic_ncols=True, delay=0.3
            )

    def update(self, number: int, note: str = "") -> None:
        """Update the number of units done.

        Args:
            number: number of units done; it never decreases.
            note: further text on a terminal, such as the loss.
        """
        now = time.monotonic()
        self.number, self.seconds = number, max(now - self._start, 1e-9)
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(number - self._bar.n)
        elif not _quiet and (now - self._told >= LOG_SECONDS or (number >= self.total and self._wants_last_line())):
            self._told = now
            left = self.seconds / max(number - self._first, 1) * (self.total - number)
            print(
                f"{self.done} {number}/{self.total} {self.unit} in {duration(self.seconds)}, {duration(left)} left",
                flush=True,
            )

    def _wants_last_line(self) -> bool:
        return self._last_line or self._told > self._start

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
