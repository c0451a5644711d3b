"""Splits by the contents of each image, so that an image never changes its split when others come and go."""

import collections
import itertools
from collections.abc import Sequence

import numpy as np

# The share of images that become validation, and as much again test, where nothing says which.
SHARE = 0.1

# The name of a split, and its images in order as indices of all.
Part = tuple[str, list[int]]


def cut(
    prefix: str, indices: list[int], digests: Sequence[str], keys: list[str], first: str
) -> tuple[dict[str, Part], list[str]]:
    """Train, and a share of the images for every other split, by their contents alone; and notes.

    Args:
        prefix: of the names of the splits.
        indices: of the images to divide.
        digests: SHA-256 of each image, in hexadecimal.
        keys: the splits besides train.
        first: the name of the first image, for errors.

    Raises:
        ValueError: if there are fewer different images than splits.
    """
    copies: dict[str, list[int]] = collections.defaultdict(list)
    for k in sorted(indices, key=lambda k: digests[k]):
        copies[digests[k]].append(k)
    # Where in [0, 1) an image lies: the first 48 bits of its digest.
    places = [int(digest[:12], 16) / 2**48 for digest in copies]
    if len(places) <= len(keys):
        raise ValueError(
            f"{first} and the other {len(indices) - 1} images are {len(places)} different ones; "
            f"train, {' and '.join(keys)} need one each at least."
        )
    groups, start = list(copies.values()), 0
    parts: dict[str, Part] = {}
    notes: list[str] = []
    for number, key in enumerate(keys):
        bounds = f"[{SHARE * number:.1g}, {SHARE * (number + 1):.1g})"
        share_end = int(np.searchsorted(places, SHARE * (number + 1)))
        # At least one, and at least one for each of those to come.
        end = min(max(share_end, start + 1), len(groups) - len(keys) + number)
        if end != share_end:
            notes.append(f"{key}: by the nearest files, since too few or too many have a SHA-256 in {bounds}")
        parts[key] = (f"{prefix} of SHA-256 in {bounds}", list(itertools.chain(*groups[start:end])))
        start = end
    rest = f"{prefix} of SHA-256 in [{SHARE * len(keys):.1g}, 1)"
    return {"train": (rest, list(itertools.chain(*groups[start:]))), **parts}, notes


def keep_classes_in_train(
    owner: str, parts: dict[str, Part], digests: Sequence[str], classes: Sequence[str], labels: np.ndarray
) -> list[str]:
    """Move an image of every class that has none in train there, with its copies; and a note if there are such classes.

    Args:
        owner: the data set, for errors.
        parts: the splits, which are changed.
        digests: SHA-256 of each image, in hexadecimal.
        classes: their names.
        labels: the class of each image.

    Raises:
        ValueError: if a split would be left empty.
    """
    moved: list[str] = []
    for label, name in enumerate(classes):
        train = parts["train"][1]
        own = [k for _, indices in parts.values() for k in indices if labels[k] == label]
        if not own or any(labels[k] == label for k in train):
            continue
        kept = max(digests[k] for k in own)
        for key, (of_split, indices) in parts.items():
            if key != "train":
                train += [k for k in indices if digests[k] == kept]
                parts[key] = (of_split, [k for k in indices if digests[k] != kept])
                if not parts[key][1]:
                    raise ValueError(
                        f"{owner} has too few images: with one of the class {name} in train, none is left for {key}. "
                        "Add images, or give train, validation and test yourself."
                    )
        train.sort(key=lambda k: digests[k])
        moved.append(name)
    return moved and [f"train: one image of each of {len(moved)} small classes that had none, such as {moved[0]}"]
