"""When a call to a server is tried again, and for how long."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pixelrnn_tf.serving.client.errors import ServerTimeoutError, ServerUnavailableError, ServingError

T = TypeVar("T")

# The first pause before a retry, and the longest, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# Seconds that a model is given to load and warm up. A server opens its ports only when its first models are loaded, so
# a server that cannot be reached is given them too.
LOAD_SECONDS = 120.0


class Retries:
    """Tries a call again while the server is away, busy, loading the model, or late.

    Args:
        wait: seconds from the start of a call after which it is not tried again.
        retries: attempts after the first at most; None for as many as `wait` allows.
        notify: called with the error before each pause.
    """

    def __init__(
        self,
        wait: float = LOAD_SECONDS,
        retries: int | None = None,
        notify: Callable[[ServingError], None] | None = None,
    ):
        if not 0 <= wait < float("inf"):
            raise ValueError(f"wait must be a finite number of seconds of at least 0, got {wait}.")
        if retries is not None and retries < 0:
            raise ValueError(f"retries must be at least 0, or None, got {retries}.")
        self.wait, self.retries, self.notify = wait, retries, notify

    def run(self, call: Callable[[], T]) -> T:
        """What the call returns in the end.

        Raises:
            ServingError: of the last attempt, or at once for an error that no later attempt would mend.
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
                # Half of the pause is random, so that many clients do not come back at once.
                pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.0)
                time.sleep(min(pause, left))
                attempt += 1
