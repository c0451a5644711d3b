"""The option `batch_sizes` of the programs that send requests to an export."""

from typing import Any

from pixelrnn_tf.programs.flags import option

# More rows than a server takes in one request by any usual setting.
LARGEST_BATCH = 4096


def batch_sizes_option(default: tuple[int, ...]) -> Any:
    """A field of a dataclass of options: rows of the requests."""
    return option("Rows of the requests.", default, form="positive integers, such as 1,16")


def check_batch_sizes(sizes: tuple[int, ...]) -> None:
    """Check what was given for it.

    Raises:
        ValueError: if one is out of bounds, or there is none.
    """
    if not sizes or not all(0 < size <= LARGEST_BATCH for size in sizes):
        given = ",".join(map(str, sizes)) or "none"
        raise ValueError(f"batch_sizes must be positive integers of at most {LARGEST_BATCH}, got {given}.")
