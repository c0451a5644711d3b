"""Data sets tell whether they hold what they held."""

import dataclasses

import numpy as np
import pytest

from pixelrnn_tf.data import ImageData, Split, check_unchanged, load
from pixelrnn_tf.data.fingerprint import split_fingerprint

DIGITS = {
    "train": "1437 images, sha256 8dc700dcd0f18c4f",
    "validation": "180 images, sha256 e0da26132c8d43b8",
    "test": "180 images, sha256 3343584f445a3a54",
}


def made_by_hand(**fingerprint):
    split = Split.of_array("all", np.zeros((2, 1, 1, 1), "uint8"))
    return ImageData("folder:x", (1, 1, 1), 2, "none", {"train": split}, fingerprint=fingerprint)


def test_a_fingerprint_is_the_number_and_a_sha256():
    # The SHA-256 of "abc", as its standard prints it.
    assert split_fingerprint(2, [b"a", b"bc"]) == "2 images, sha256 ba7816bf8f01cfea"


def test_the_fingerprint_of_the_digits_never_changes():
    assert load("digits").fingerprint == DIGITS
    assert load("digits", levels=4, image_size=(4, 4), channels=3).fingerprint == DIGITS
    assert load("digits", binarization="dynamic").fingerprint == DIGITS


def test_what_differs_is_listed():
    recorded = {"train": "9 images, sha256 aa", "validation": "1 images, sha256 bb", "test": "1 images, sha256 cc"}
    check_unchanged(made_by_hand(**recorded), recorded, "the run in runs/x")
    changed = made_by_hand(train="9 images, sha256 aa", validation="2 images, sha256 dd")
    with pytest.raises(ValueError, match=r"folder:x no longer holds the images of the run in runs/x") as caught:
        check_unchanged(changed, recorded, "the run in runs/x")
    assert (
        "(validation: 1 images, sha256 bb then, 2 images, sha256 dd now; test: 1 images, sha256 cc then, none now)"
    ) in str(caught.value)
    assert "train:" not in str(caught.value)
    check_unchanged(changed, recorded, "the run in runs/x", splits=["train"])
    with pytest.raises(ValueError, match="validation: 1 images"):
        check_unchanged(changed, recorded, "the run in runs/x", splits=["train", "validation"])


def test_what_nobody_wrote_down_passes_but_for_folders():
    digits = dataclasses.replace(made_by_hand(train="9 images, sha256 aa"), name="digits")
    for recorded in (None, {}):
        check_unchanged(digits, recorded, "an older run")
        with pytest.raises(ValueError, match="an older run comes from a version that split folder:x differently"):
            check_unchanged(made_by_hand(train="9 images, sha256 aa"), recorded, "an older run")
    check_unchanged(made_by_hand(), {"train": "9 images, sha256 aa"}, "the run in runs/x")


def test_maps_keep_the_fingerprint_and_drop_the_array():
    data = load("digits")
    small = load("digits", levels=2)
    assert data.splits["test"].in_memory is data.splits["test"].array
    assert small.splits["test"].array is None
    assert dataclasses.replace(data).fingerprint == small.fingerprint
