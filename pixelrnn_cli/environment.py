"""The environment programs run in: set before TensorFlow is loaded, and nothing of it when a module is imported."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


def prepare() -> None:
    """Set the environment variables of this process that TensorFlow reads. What the user has set is kept."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Memory of one step is kept for the next. Given back and fetched anew, as is the default on the CPU, it costs up
    # to a third of a step, because the system clears every page.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    # Of the two orders in which XLA can put the operations of a step on the CPU, the one that saves memory: recurrences
    # take up to a third less, and of time up to a tenth less, since a core finds more in its cache. Of two values of
    # one flag the last counts, so a user's wins.
    own, given = "--xla_cpu_enable_concurrency_optimized_scheduler=false", os.environ.get("XLA_FLAGS", "")
    if own not in given:
        os.environ["XLA_FLAGS"] = f"{own} {given}".strip()


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep back what TensorFlow's libraries write while they are loaded, before any setting of theirs holds.

    It is the standard error of the process, below Python's; if the block fails, all that was kept is written after all.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
