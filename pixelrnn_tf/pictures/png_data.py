"""Chunks of PNG files, and a check for missing rows, which decoders may leave black."""

import zlib
from collections.abc import Iterator

from PIL import Image

START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
# Samples per pixel by color type, and the passes of an interlaced file: first row, first column, strides.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
WHOLE = ((0, 0, 1, 1),)
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
# Number of bytes that are decompressed at a time.
PIECE = 2**20


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Iterate over the kind and the content of all complete chunks of a PNG file; empty for other files."""
    position = 8 if png.startswith(START) else len(png)
    while position + 12 <= len(png):
        length = int.from_bytes(png[position : position + 4], "big")
        yield png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        position += 12 + length


def bit_depth(png: bytes) -> int | None:
    """Bits per sample of a PNG file; None for other files."""
    return png[24] if png.startswith(START) and len(png) > 25 else None


def scale_transparent_gray(image: Image.Image, png: bytes) -> None:
    """Scale the transparent gray of a 2-bit or 4-bit PNG to a byte; Pillow only scales the pixels."""
    depth, key = bit_depth(png), image.info.get("transparency")
    if depth in (2, 4) and image.mode == "L" and isinstance(key, int):
        most = 2**depth - 1
        image.info["transparency"] = (key & most) * (255 // most)


def check_complete(png: bytes) -> None:
    """Check that a PNG file contains all its rows; other files pass.

    Raises:
        ValueError: if data are missing.
    """
    if not png.startswith(START) or len(png) < 33 or png[25] not in SAMPLES:
        return
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    bits, expected = png[24] * SAMPLES[png[25]], 0
    for row, column, rows, columns in ADAM7 if png[28] else WHOLE:
        across, down = -(-(width - column) // columns), -(-(height - row) // rows)
        if across > 0 and down > 0:
            expected += down * (1 + -(-across * bits // 8))
    inflated, found = zlib.decompressobj(), 0
    for data in (content for kind, content in chunks(png) if kind == b"IDAT"):
        while data and not inflated.eof and found < expected:
            found += len(inflated.decompress(data, PIECE))
            data = inflated.unconsumed_tail
    if found < expected:
        raise ValueError(f"its image data end after {found:,} of {expected:,} bytes: the file is truncated.")
