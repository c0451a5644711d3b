"""PNG files from their raw parts, right or wrong, as libraries for pictures would not write them."""

import struct
import zlib

import numpy as np

# Where each pass of an interlaced PNG begins and its strides: row, column, rows, columns.
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(header: tuple[int, ...], data: bytes, *more: bytes) -> bytes:
    """A PNG file.

    Args:
        header: width, height, bit depth, color type, compression, filter, interlacing.
        data: what its data chunk holds.
        *more: chunks to put before the data.
    """
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *header))
    return b"".join([start, *more, chunk(b"IDAT", data), chunk(b"IEND", b"")])


def interlaced(picture: np.ndarray) -> bytes:
    """uint8 `(height, width)` as an interlaced grayscale PNG file."""
    data = b""
    for row, column, rows, columns in ADAM7:
        part = picture[row::rows, column::columns]
        if part.size:
            data += b"".join(b"\0" + line.tobytes() for line in part)
    return raw_png((picture.shape[1], picture.shape[0], 8, 0, 0, 0, 1), zlib.compress(data))


def turned(png: bytes, orientation: int = 6) -> bytes:
    """A PNG file with the word of EXIF that it is to be turned."""
    exif = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0) + b"\0\0\0\0"
    return png[:33] + chunk(b"eXIf", exif) + png[33:]
