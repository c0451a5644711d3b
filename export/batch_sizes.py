"""The flag --batch_sizes of the programs that send requests to an export."""

from absl import flags

# More rows than a server takes in one request by any usual setting.
LARGEST_BATCH = 4096


def define_batch_sizes(default: tuple[int, ...]) -> None:
    flags.DEFINE_list("batch_sizes", [str(size) for size in default], "Rows of the requests.")


def batch_sizes(values: flags.FlagValues) -> tuple[int, ...]:
    """The value of the flag.

    Raises:
        ValueError: if it is no list of integers within bounds.
    """
    texts = values.batch_sizes
    # The length is looked at before the number is made of it: Python refuses thousands of digits in words of its own.
    right = [text.isascii() and text.isdigit() and len(text) < 9 and 0 < int(text) <= LARGEST_BATCH for text in texts]
    if not texts or not all(right):
        raise ValueError(
            f"--batch_sizes must be positive integers, got {','.join(texts)}; the largest allowed is {LARGEST_BATCH}."
        )
    return tuple(map(int, texts))
