"""Retries of calls to a server."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pixelrnn_tf.serving.client.errors import ServerTimeoutError, ServerUnavailableError, ServingError

T = TypeVar("T")

# First and longest pause before a retry, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# Seconds for loading and warming up a model. A server opens its ports only after loading its first models, so the same
# limit applies to an unreachable server.
LOAD_SECONDS = 120.0


class Retries:
    """Retry a call while the server is unreachable, busy, loading the model, or slow.

    Args:
        wait: seconds from the start of a call during which it is retried.
        retries: maximum number of retries; None for as many as `wait` allows.
        notify: called with the error before each pause.
    """

    def __init__(
        self,
        wait: float = LOAD_SECONDS,
        retries: int | None = None,
        notify: Callable[[ServingError], None] | None = None,
    ):
        if not 0 <= wait < float("inf"):
            raise ValueError(f"wait must be a finite number of seconds and at least 0, got {wait}.")
        if retries is not None and retries < 0:
            raise ValueError(f"retries must be at least 0, or None, got {retries}.")
        self.wait, self.retries, self.notify = wait, retries, notify

    def run(self, call: Callable[[], T]) -> T:
        """Call until it succeeds, and return the result.

        Raises:
            ServingError: the error of the last attempt; immediately for an error that retrying cannot fix.
        """
        end, attempt = time.monotonic() + self.wait, 0
        while True:
            try:
                return call()
            except (ServerUnavailableError, ServerTimeoutError) as error:
                left = end - time.monotonic()
                if left <= 0 or attempt == self.retries:
                    raise
                if self.notify:
                    self.notify(error)
                # Half of the pause is random, so that many clients do not return at the same time.
                pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.0)
                time.sleep(min(pause, left))
                attempt += 1
