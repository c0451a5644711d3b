"""The names that people give to the parts of a data set, and which of ours each is."""

from collections.abc import Iterable

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}


def split_of(name: str) -> str | None:
    """ "train", "validation" or "test" for a name in use for it, in capitals or not; None for any other name."""
    return next((key for key, names in SPLIT_NAMES.items() if name.casefold() in names), None)


def by_split(names: Iterable[str], owner: str) -> dict[str, str]:
    """Of the given names those of splits, by ours and in our order.

    Args:
        names: of folders or of a data set's parts.
        owner: what they are in, for errors.

    Raises:
        ValueError: if two of them mean the same split.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        key = split_of(name)
        if key in found:
            raise ValueError(f"{owner} has both {found[key]} and {name}, which both mean {key}: keep one of them.")
        if key is not None:
            found[key] = name
    return {key: found[key] for key in SPLIT_NAMES if key in found}
