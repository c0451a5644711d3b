"""Common names of the splits of a data set."""

from collections.abc import Iterable

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}


def split_of(name: str) -> str | None:
    """Map a common, case-insensitive name to "train", "validation" or "test"; None for any other name."""
    return next((key for key, names in SPLIT_NAMES.items() if name.casefold() in names), None)


def by_split(names: Iterable[str], owner: str) -> dict[str, str]:
    """Map this package's split names, in order, to those among the given names.

    Args:
        names: names of folders or of parts of a data set.
        owner: their location, for errors.

    Raises:
        ValueError: if two of them name the same split.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        key = split_of(name)
        if key in found:
            raise ValueError(f"{owner} has both {found[key]} and {name}, which both mean {key}: keep one of them.")
        if key is not None:
            found[key] = name
    return {key: found[key] for key in SPLIT_NAMES if key in found}
