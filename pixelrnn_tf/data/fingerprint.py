"""Fingerprints of data sets, to detect changes."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixelrnn_tf.data.image_data import ImageData


def split_fingerprint(size: int, contents: Iterable[bytes]) -> str:
    """Make the fingerprint of a split: its number of images, and 16 hexadecimal digits of a SHA-256.

    Args:
        size: number of images.
        contents: bytes to hash, in order: pixels, or digests of files.
    """
    digest = hashlib.sha256()
    for part in contents:
        digest.update(part)
    return f"{size} images, sha256 {digest.hexdigest()[:16]}"


def check_unchanged(
    data: "ImageData", recorded: Mapping[str, str] | None, user: str, splits: Sequence[str] | None = None
) -> None:
    """Check that a data set still matches its recorded fingerprint.

    Args:
        data: the current data set.
        recorded: the recorded `ImageData.fingerprint`; None or empty if there is none.
        user: the user of the recorded data in error messages, such as "the run in runs/mnist".
        splits: splits that must match; None, or a list with "all", for all of them.

    Raises:
        ValueError: if they differ; the message lists the differences. Also for a folder without a record, since the
            versions that did not record it split folders differently. Other data without a record or without a
            fingerprint (made by hand) are accepted.
    """
    if recorded is not None and not isinstance(recorded, Mapping):
        raise ValueError(f"The fingerprint of {user} must be a JSON object of splits, got {type(recorded).__name__}.")
    if not recorded and data.name.startswith("folder:"):
        raise ValueError(
            f"{user} comes from a version that split {data.name} differently: training images would be among the "
            "test images. Start again."
        )
    if not recorded or not data.fingerprint:
        return
    if splits is not None and "all" in splits:
        splits = None
    different = [
        f"{key}: {recorded.get(key, 'none')} then, {data.fingerprint.get(key, 'none')} now"
        for key in (splits or dict.fromkeys([*recorded, *data.fingerprint]))
        if recorded.get(key) != data.fingerprint.get(key)
    ]
    if different:
        raise ValueError(
            f"{data.name} no longer holds the images of {user} ({'; '.join(different)}). Scores would not be "
            "comparable, and training images may be among the test images. Restore the original images, or start again."
        )
