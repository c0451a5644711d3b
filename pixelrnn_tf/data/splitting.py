"""Splits by the content of each image, so that adding or removing images never moves the others."""

import collections
import itertools
from collections.abc import Sequence

import numpy as np

# Share of the images that go to validation, and to test, if there are no split folders.
SHARE = 0.1

# Name of a split, and its images in order, as indices of all images.
Part = tuple[str, list[int]]


def cut(
    prefix: str, indices: list[int], digests: Sequence[str], keys: list[str], first: str
) -> tuple[dict[str, Part], list[str]]:
    """Split images into train and a share for each other split by their content; return the splits and notes.

    Args:
        prefix: prefix of the names of the splits.
        indices: indices of the images to divide.
        digests: SHA-256 of each image, in hexadecimal.
        keys: the splits besides train.
        first: name of the first image, for errors.

    Raises:
        ValueError: if there are fewer distinct images than splits.
    """
    copies: dict[str, list[int]] = collections.defaultdict(list)
    for k in sorted(indices, key=lambda k: digests[k]):
        copies[digests[k]].append(k)
    # Position of an image in [0, 1): the first 48 bits of its digest.
    places = [int(digest[:12], 16) / 2**48 for digest in copies]
    if len(places) <= len(keys):
        raise ValueError(
            f"{first} and the other {len(indices) - 1} images are {len(places)} distinct images; "
            f"train, {' and '.join(keys)} need at least one each."
        )
    groups, start = list(copies.values()), 0
    parts: dict[str, Part] = {}
    notes: list[str] = []
    for number, key in enumerate(keys):
        bounds = f"[{SHARE * number:.1g}, {SHARE * (number + 1):.1g})"
        share_end = int(np.searchsorted(places, SHARE * (number + 1)))
        # At least one image here, and at least one for each later split.
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
    """Move one image of every class that train lacks, with its copies, to train; return a note on these classes.

    Args:
        owner: name of the data set, for errors.
        parts: the splits, modified in place.
        digests: SHA-256 of each image, in hexadecimal.
        classes: names of the classes.
        labels: class label of each image.

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
                        "Add images, or pass train, validation and test yourself."
                    )
        train.sort(key=lambda k: digests[k])
        moved.append(name)
    return moved and [f"train: one image of each of {len(moved)} small classes that had none, such as {moved[0]}"]
