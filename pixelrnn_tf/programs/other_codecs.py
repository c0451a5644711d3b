"""Sizes under other codecs for comparison, each at its best setting and in one file."""

import bz2
import io
import lzma
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from pixelrnn_tf.data import to_bytes

_GENERAL: dict[str, Callable[[bytes], bytes]] = {
    "zlib": lambda data: zlib.compress(data, 9),
    "bz2": lambda data: bz2.compress(data, 9),
    "lzma": lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME),
}
# Arguments of Pillow's `Image.save`.
_PICTURES: dict[str, dict[str, Any]] = {
    "PNG": {"format": "PNG", "optimize": True},
    "WebP, lossless": {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
    "CCITT group 4": {"format": "TIFF", "compression": "group4"},  # Only for binary pictures.
}


def sizes(images: np.ndarray, levels: int) -> dict[str, int]:
    """Compute the size in bytes of all images in one file, with headers, by the name of the codec.

    General codecs get the levels, one byte each or, for binary images, eight per byte if that is smaller. Picture
    codecs get one sheet with all images in rows and columns.

    Args:
        images: uint8 levels `(number, height, width, channels)`.
        levels: number of levels.
    """
    forms = [images.tobytes()] + ([np.packbits(images.reshape(-1)).tobytes()] if levels == 2 else [])
    found = {"raw": len(forms[-1])}
    for name, compress in _GENERAL.items():
        found[name] = min(len(compress(form)) for form in forms)
    sheet = _sheet(images, levels)
    for name, options in _PICTURES.items():
        if sheet.mode == "1" or name != "CCITT group 4":
            stream = io.BytesIO()
            sheet.save(stream, **options)
            found[name] = len(stream.getvalue())
    return found


def table(images: np.ndarray, levels: int, ours: int, weights: int) -> str:
    """Write the sizes as a Markdown table, smallest last.

    Args:
        images: see `sizes`.
        levels: see `sizes`.
        ours: size of the compressed file, in bytes.
        weights: size of the model's weights in float32, in bytes.
    """
    rows = sorted(sizes(images, levels).items(), key=lambda row: -row[1])
    rows.append((f"this model (its weights, {weights:,} bytes, are not counted)", ours))
    lines = ["| codec | bytes | bits/dim | times this model |", "|---|---|---|---|"]
    lines += [f"| {name} | {size:,} | {8 * size / images.size:.4f} | {size / ours:.3f} |" for name, size in rows]
    return "\n".join(lines)


def _sheet(images: np.ndarray, levels: int) -> Image.Image:
    """Arrange all images in one picture, in rows and columns; the rest of the last row is black."""
    number, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    cells = np.zeros((rows * columns, height, width, channels), "uint8")
    cells[:number] = to_bytes(images, levels)
    sheet = cells.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    if channels == 3:
        return Image.fromarray(sheet)
    gray = Image.fromarray(sheet[..., 0])
    return gray.convert("1", dither=Image.Dither.NONE) if levels == 2 else gray
