"""Environment variables of programs, set before TensorFlow is imported."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


def prepare() -> None:
    """Set environment variables for TensorFlow; values that the user has set are kept."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Keep the memory of a step for the next. The CPU's default, freeing and allocating it again, costs up to a third of
    # a step, because the system clears every page.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    # Of XLA's two schedules for the CPU, use the one that saves memory: recurrences take up to a third less memory and
    # a tenth less time, thanks to the cache. The last value of a repeated flag wins, so the user's value takes
    # precedence.
    own, given = "--xla_cpu_enable_concurrency_optimized_scheduler=false", os.environ.get("XLA_FLAGS", "")
    if own not in given:
        os.environ["XLA_FLAGS"] = f"{own} {given}".strip()


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Suppress the output of TensorFlow's libraries during import, before their settings take effect.

    It redirects the standard error of the process, below Python's. If the block fails, the suppressed output is
    written.
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
