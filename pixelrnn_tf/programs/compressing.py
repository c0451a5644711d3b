"""Compress images of data sets and folders to files, and decompress them, with progress."""

import csv
import itertools
import os
import pathlib
import shlex
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from pixelrnn_tf.compression import Codec, Decoded
from pixelrnn_tf.compression.file_format import LABELS, read_header
from pixelrnn_tf.compression.file_names import add_names, split_names
from pixelrnn_tf.data import to_bytes, to_levels
from pixelrnn_tf.files import folder_beside, written_beside
from pixelrnn_tf.models import ImageModel, bits_per_dim
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.progress import Progress, duration
from pixelrnn_tf.regular_files import read_regular

# Maximum size of a compressed file.
MOST_BYTES = 2**36
# Number of images from which XLA saves more time than its compilation takes.
XLA_PAYS = 500


def read_pictures(paths: Sequence[str], model: ImageModel, number: int) -> np.ndarray:
    """Read PNG files, the first `number` or all for 0, as levels of a model.

    Raises:
        ValueError: for a conditional model; or if a file cannot be restored from levels: it has another size or color,
            or values between those of the levels.
    """
    if model.condition_format is not None:
        raise ValueError("The model takes a condition, but --images have none: use --data.")
    height, width, channels = model.image_shape
    images = []
    for path in paths[: number or None]:
        picture = png_files.read(path, channels)
        if picture.shape != model.image_shape:
            raise ValueError(
                f"{path} is {picture.shape[0]}x{picture.shape[1]}; the model takes images of {height}x{width}."
            )
        levels = to_levels(picture, model.levels)
        lost = picture[to_bytes(levels, model.levels) != picture]
        if lost.size:
            raise ValueError(
                f"{path} has the value {lost[0]}, which is between those of the {model.levels} levels of the model: it "
                "would be lost. Requantize the pictures, or give the folder by --data=folder:PATH, which does."
            )
        images.append(levels)
    return np.stack(images)


def compress_file(
    model: ImageModel,
    images: np.ndarray,
    labels: np.ndarray | None,
    out: pathlib.Path,
    verify: bool,
    names: Sequence[str] = (),
) -> int:
    """Compress images, and the names of their files if given, to a file, and print sizes and speed.

    Returns:
        the size of the file in bytes.

    Raises:
        ValueError: if the images do not fit the model, or it takes a condition that a file does not hold.
        FloatingPointError: if they cannot be compressed, or, with `verify`, are not restored.
    """
    if labels is not None and model.num_classes is None:
        raise ValueError(
            "A file holds class labels, but no vectors: compress from Python, with pixelrnn_tf.compression.compress, "
            "and keep the vectors."
        )
    codec = Codec(model, jit_compile=len(images) >= XLA_PAYS)
    with Progress("compressed", len(images)) as progress:
        encoded = codec.encode(images, labels, lambda number, of: progress.update(number))
    if verify:
        with Progress("decompressed", len(images)) as shown:
            decoded = codec.decode(encoded.data, progress=lambda number, of: shown.update(number))
        _check_same(decoded, images, labels)
    data = add_names(encoded.data, names) if names else encoded.data
    with written_beside(out) as beside:
        beside.write_bytes(data)
    size = len(data)
    coded = "" if labels is None else " and labels"
    bits, nats = encoded.model_bits, float(encoded.nats.mean())
    print(
        f"{shlex.quote(str(out))}: {size:,} bytes, {8 * size / len(images):.2f} bits an image, "
        f"{8 * size / images.size:.4f} bits/dim.\n"
        f"The model: {nats:.2f} nats an image, {bits_per_dim(nats, model.image_shape):.4f} bits/dim; -log2 p of all "
        f"{len(images)} images{coded} is {bits / 8:,.0f} bytes, and the file {8 * size / bits - 1:.3%} more.\n"
        f"{len(images) / progress.seconds:.1f} images/s, in {duration(progress.seconds)}."
        + (" Decompressed again, the images are the same." if verify else "")
    )
    return size


def decompress_file(model: ImageModel, file: pathlib.Path, out: pathlib.Path) -> None:
    """Decompress a file to a folder of PNG files, which appears only when it is complete.

    Images go to the disk chunk by chunk, so memory holds the compressed file and the images of one chunk.

    Args:
        model: model that the file was compressed with.
        file: file of `compress_file`.
        out: a new or empty folder, or a link to one. The pictures get the names of the compressed files, or are
            numbered if the file does not hold these.

    Raises:
        ValueError: if the file is damaged, was written with another model, or needs a condition.
        OSError: if another program has written to the folder meanwhile.
    """
    data, stored = split_names(read_regular(file, MOST_BYTES))
    codec, header = Codec(model), read_header(data)
    names = file_names(stored, header.images)
    with folder_beside(out.resolve()) as beside, Progress("decompressed", header.images) as progress:
        if header.condition == LABELS:
            _add_rows(beside / "labels.csv", [("file", "label")])
        for part in codec.decode_chunks(data, progress=lambda number, of: progress.update(number)):
            of_part = list(itertools.islice(names, len(part.images)))
            for name, picture in zip(of_part, to_bytes(part.images, model.levels), strict=True):
                (beside / name).write_bytes(png_files.encode(picture))
            if part.labels is not None:
                _add_rows(beside / "labels.csv", zip(of_part, part.labels, strict=True))
    print(f"{header.images} images in {duration(progress.seconds)}: {shlex.quote(str(out))}")


def file_names(stored: Sequence[str] | None, number: int) -> Iterator[str]:
    """Choose names of pictures: stored ones if all are distinct plain .png names, otherwise numbers."""
    if stored is not None and len(stored) == number and len({name.casefold() for name in stored}) == number:
        plain = [pathlib.PurePosixPath(name).name == name and "\\" not in name and "\0" not in name for name in stored]
        if all(plain) and all(name.lower().endswith(".png") and len(os.fsencode(name)) <= 255 for name in stored):
            return iter(stored)
    digits = max(5, len(str(number)))
    return (f"{k:0{digits}}.png" for k in range(number))


def _check_same(decoded: Decoded, images: np.ndarray, labels: np.ndarray | None) -> None:
    same = np.array_equal(decoded.images, images)
    if labels is not None:
        same = same and decoded.labels is not None and np.array_equal(decoded.labels, labels)
    if not same:
        raise FloatingPointError("The decompressed images differ; nothing was written. Please report this bug.")


def _add_rows(path: pathlib.Path, rows: Iterable[tuple]) -> None:
    with path.open("a", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
