"""Peak memory, as the allocator of the device counts it."""

from collections.abc import Callable

import tensorflow as tf


def reserve_block() -> None:
    """Let the allocator of the CPU fetch one large block, from which it cuts exactly what it is asked for.

    From a block of less than twice the size it hands out all, and counts all: peaks would be those of its blocks. Two
    GiB are reserved and given back; the system provides no page of them before it is written.
    """
    tf.raw_ops.Empty(shape=[2**29], dtype=tf.int32, init=False)


def peak_bytes(run: Callable[[], object]) -> int | None:
    """Bytes that a call allocates at its peak, beyond what was in use before; None where TensorFlow does not tell.

    Args:
        run: what to call; called before, so that nothing is built or compiled.
    """
    device = "GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"
    try:
        tf.config.experimental.reset_memory_stats(device)
        before = tf.config.experimental.get_memory_info(device)["current"]
        run()
        return tf.config.experimental.get_memory_info(device)["peak"] - before
    except ValueError:
        return None


def mebibytes(size: int | None) -> str:
    """Bytes as printed: whole MiB, or "?" where they are not known."""
    return "?" if size is None else f"{size / 2**20:.0f}"
