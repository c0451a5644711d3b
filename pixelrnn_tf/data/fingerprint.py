"""What a data set holds, in a few words that tell it from what it held another time."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixelrnn_tf.data.image_data import ImageData


def split_fingerprint(size: int, contents: Iterable[bytes]) -> str:
    """The fingerprint of a split: its number of images, and 16 hexadecimal digits of a SHA-256.

    Args:
        size: number of images.
        contents: what the digits depend on, in order: pixels, or digests of files.
    """
    digest = hashlib.sha256()
    for part in contents:
        digest.update(part)
    return f"{size} images, sha256 {digest.hexdigest()[:16]}"


def check_unchanged(
    data: "ImageData", recorded: Mapping[str, str] | None, user: str, splits: Sequence[str] | None = None
) -> None:
    """Check that a data set holds what it held when its fingerprint was written down.

    Args:
        data: the data set as it is now.
        recorded: its `ImageData.fingerprint` of then; None or empty if nobody wrote it down.
        user: what was made with it then, for the error: "the run in runs/mnist".
        splits: which splits must be the same; None, or "all" among them, for all of then.

    Raises:
        ValueError: if they differ; the message lists how. Also for a folder of which nothing was written down: the
            versions that did not write it down split a folder in another way. Other data pass then, and so do
            data without a fingerprint (made by hand).
    """
    if recorded is not None and not isinstance(recorded, Mapping):
        raise ValueError(f"The fingerprint of {user} must be an object of splits, and is a {type(recorded).__name__}.")
    if not recorded and data.name.startswith("folder:"):
        raise ValueError(
            f"{user} comes from a version that split {data.name} in another way: images it was trained on would be "
            "among those it is tested on. Start anew."
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
            f"{data.name} no longer holds the images of {user} ({'; '.join(different)}). Scores would not compare, "
            "and images it was trained on may be among those it is tested on: give it the images of then, or "
            "start anew."
        )
