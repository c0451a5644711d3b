"""Peak memory, as counted by the allocator of the device."""

from collections.abc import Callable

import tensorflow as tf


def reserve_block() -> None:
    """Make the allocator of the CPU reserve one large block, so that it counts exactly the requested memory.

    Of a block of less than twice the requested size it returns and counts all, so peaks would be those of its blocks.
    Two GiB are reserved and released; the system provides no page before it is written.
    """
    tf.raw_ops.Empty(shape=[2**29], dtype=tf.int32, init=False)


def peak_bytes(run: Callable[[], object]) -> int | None:
    """Measure the peak memory of a call in bytes, beyond what was in use before; None if TensorFlow does not count it.

    Args:
        run: function to call; call it once before, so that nothing is built or compiled.
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
    """Format bytes as MiB, or "?" if unknown."""
    return "?" if size is None else f"{size / 2**20:.0f}"
