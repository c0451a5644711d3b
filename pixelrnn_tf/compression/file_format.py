"""Byte format of compressed files; docs/compression.md is its specification.

A file is a header and chunks. Each is followed by the CRC-32 of all bytes before it, except earlier CRC-32s. Changed,
moved, foreign or missing parts are therefore found before anything is decoded. (Including earlier CRC-32s would reset
the checksum each time: the CRC of bytes followed by their CRC is a constant.) The decoded levels of a chunk have their
own CRC-32: a decoder that computes other numbers than the encoder raises an error instead of returning wrong pixels.
"""

import dataclasses
import itertools
import math
import struct
import zlib
from collections.abc import Iterable, Iterator

from pixelrnn_tf.compression.file_names import split_names
from pixelrnn_tf.compression.integer_weights import GRID_BITS
from pixelrnn_tf.compression.stack_coder import CODER_VERSION
from pixelrnn_tf.typing import ImageShape

# Not ASCII, and with both kinds of line ends, as in PNG: a transfer as text would change it.
SIGNATURE = b"\x89PXR\r\n\x1a\n"
# Version 2, for more than 256 levels, has two bytes instead of one for `levels - 1`, and for a level in a CRC-32.
FORMAT_VERSIONS = (1, 2)
# Limit of the images per batch, which are decoded in parallel.
MOST_IMAGES_PER_BATCH = 4096
# Kind of condition: none, one that the file does not hold, or class labels, which it does.
NO_CONDITION, GIVEN, LABELS = range(3)

# Version of the format and of the coder, grid bits, kind of condition, digest, image shape, levels - 1, images, images
# per batch, batches per chunk.
_HEADERS = {1: struct.Struct("<BBBBB16sHHBBIHH"), 2: struct.Struct("<BBBBB16sHHBHIHH")}
# Size of the payload in bytes, CRC-32 of the levels.
_CHUNK = struct.Struct("<II")
_CRC = struct.Struct("<I")
# A level takes at most the precision of the coder, 24 bits; a payload ends with a few more words.
_MOST_BYTES_PER_LEVEL, _MOST_BYTES_AT_END = 3, 16


@dataclasses.dataclass(frozen=True)
class Header:
    """Header of a file.

    Attributes:
        model_digest: 16 bytes that identify the model, see `pixelrnn_tf.compression.model_digest`.
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel, 2 to 65,536.
        images: number of images.
        batch_size: number of images that share the calls of the coder; the last batch may be smaller.
        chunk_batches: number of batches per chunk; the last chunk may be smaller.
        condition: kind of condition: `NO_CONDITION`, `GIVEN` (a condition that the file does not hold) or `LABELS`
            (class labels, at the beginning of every batch).
    """

    model_digest: bytes
    image_shape: ImageShape
    levels: int
    images: int
    batch_size: int
    chunk_batches: int
    condition: int

    @property
    def version(self) -> int:
        """Version of the format."""
        return 1 if self.levels <= 256 else 2

    @property
    def chunk_images(self) -> int:
        """Number of images of every chunk except the last."""
        return self.batch_size * self.chunk_batches

    def chunk_ranges(self) -> Iterator[range]:
        """Iterate over the chunks, each as a range of image indices."""
        return _parts(range(self.images), self.chunk_images)

    def batch_ranges(self, chunk: range) -> Iterator[range]:
        """Iterate over the batches of a chunk, each as a range of image indices."""
        return _parts(chunk, self.batch_size)

    def to_bytes(self) -> bytes:
        """Serialize the header, without the CRC-32 after it."""
        packed = _HEADERS[self.version].pack(
            self.version,
            *CODER_VERSION,
            GRID_BITS,
            self.condition,
            self.model_digest,
            *self.image_shape,
            self.levels - 1,
            self.images,
            self.batch_size,
            self.chunk_batches,
        )
        return SIGNATURE + packed


@dataclasses.dataclass(frozen=True)
class Chunk:
    """One chunk of a file.

    Attributes:
        offsets: offsets of the grid, one byte per batch.
        levels_crc: CRC-32 of its levels, in the dtype of `level_dtype` and in the memory order of the images.
        payload: output of the coder.
    """

    offsets: bytes
    levels_crc: int
    payload: bytes

    def to_bytes(self) -> bytes:
        """Serialize the chunk, without the CRC-32 after it."""
        return _CHUNK.pack(len(self.payload), self.levels_crc) + self.offsets + self.payload


def level_dtype(levels: int) -> str:
    """Smallest dtype of the levels of images, little-endian, as in CRC-32s."""
    return "uint8" if levels <= 256 else "<u2"


def check_writable(header: Header) -> None:
    """Check that the numbers of a header fit into the file format.

    Raises:
        ValueError: for more or larger images than a file can hold.
    """
    height, width, channels = header.image_shape
    if max(height, width) >= 2**16 or channels >= 2**8 or header.images >= 2**32:
        raise ValueError(
            f"A file holds up to {2**32 - 1:,} images of sides up to {2**16 - 1:,} with up to {2**8 - 1} channels; got "
            f"{header.images:,} images of the shape {header.image_shape}."
        )


def write_file(header: Header, chunks: Iterable[Chunk]) -> bytes:
    """Serialize a file."""
    parts, crc = [], 0
    for content in itertools.chain([header.to_bytes()], (chunk.to_bytes() for chunk in chunks)):
        crc = zlib.crc32(content, crc)
        parts += [content, _CRC.pack(crc)]
    return b"".join(parts)


def read_file(data: bytes) -> tuple[Header, list[Chunk]]:
    """Parse a file into its header and chunks and check all checksums; names of pictures are left out.

    Raises:
        ValueError: if it is not such a file, has a later version, is damaged, truncated or followed by other bytes.
    """
    data, _ = split_names(data)
    reader = _Reader(data)
    header = _read_header(reader)
    chunks = [_read_chunk(reader, header, images) for images in header.chunk_ranges()]
    left = len(data) - reader.position
    if left:
        raise ValueError(f"The file has {left} bytes after its last chunk: it is damaged.")
    return header, chunks


def read_header(data: bytes) -> Header:
    """Parse the header of a file and nothing else.

    Raises:
        ValueError: if it is not such a file, has a later version, or its header is damaged or truncated.
    """
    return _read_header(_Reader(data))


class _Reader:
    """Sequential reader of a file that updates the CRC-32 of the bytes read."""

    def __init__(self, data: bytes):
        self.data, self.position, self._crc = data, 0, 0

    def take(self, size: int, name: str) -> bytes:
        """Read the next bytes, which are part of `name`."""
        part = self._next(size, name)
        self._crc = zlib.crc32(part, self._crc)
        return part

    def check(self, name: str) -> None:
        """Read the next CRC-32 and compare it to that of the bytes read.

        Raises:
            ValueError: if they differ.
        """
        if _CRC.unpack(self._next(_CRC.size, name))[0] != self._crc:
            raise ValueError(f"The file is damaged: the CRC-32 after {name} does not match the bytes before it.")

    def _next(self, size: int, name: str) -> bytes:
        part = self.data[self.position : self.position + size]
        if len(part) < size:
            raise ValueError(f"The file ends in {name}, after {len(self.data):,} bytes: it is truncated.")
        self.position += size
        return part


def _read_header(reader: _Reader) -> Header:
    if not reader.data.startswith(SIGNATURE):
        raise ValueError("This is not a file of compressed images: its signature is missing.")
    name = "the header"
    reader.take(len(SIGNATURE), name)
    first = reader.take(1, name)
    if first[0] not in FORMAT_VERSIONS:
        raise ValueError(
            f"The file has format version {first[0]}, or is damaged; this version of pixelrnn_tf reads versions "
            f"{' and '.join(map(str, FORMAT_VERSIONS))}. Use the version that wrote it, or a later one."
        )
    form = _HEADERS[first[0]]
    packed = first + reader.take(form.size - 1, name)
    _, major, minor, grid_bits, condition, digest, height, width, channels, highest, *rest = form.unpack(packed)
    reader.check(name)
    if (major, minor) != CODER_VERSION or grid_bits != GRID_BITS or condition > LABELS:
        raise ValueError(
            f"The file was written with constriction {major}.{minor}, a grid of 2^-{grid_bits} and condition kind "
            f"{condition}; this version of pixelrnn_tf reads constriction {CODER_VERSION[0]}.{CODER_VERSION[1]}, "
            f"2^-{GRID_BITS} and kinds 0 to {LABELS}. Use the version that wrote it."
        )
    images, batch_size, chunk_batches = rest
    header = Header(digest, (height, width, channels), highest + 1, images, batch_size, chunk_batches, condition)
    _check_sizes(header)
    return header


def _check_sizes(header: Header) -> None:
    positive = min(*header.image_shape, header.batch_size, header.chunk_batches, header.levels - 1) > 0
    if not positive or header.batch_size > MOST_IMAGES_PER_BATCH:
        raise ValueError(
            f"The header of the file is invalid: images {header.image_shape} with {header.levels} levels, "
            f"{header.batch_size} per batch (at most {MOST_IMAGES_PER_BATCH:,}), {header.chunk_batches} batches per "
            "chunk."
        )


def _read_chunk(reader: _Reader, header: Header, images: range) -> Chunk:
    name = f"the chunk of the images {images.start} to {images.stop - 1} of {header.images}"
    size, levels_crc = _CHUNK.unpack(reader.take(_CHUNK.size, name))
    # One more level per image, for its class.
    most = _MOST_BYTES_PER_LEVEL * len(images) * (math.prod(header.image_shape) + 1) + _MOST_BYTES_AT_END
    if size % 4 or size > most:
        raise ValueError(f"The file is damaged: {name} has {size:,} bytes; at most {most:,} are possible.")
    offsets = reader.take(sum(1 for _ in header.batch_ranges(images)), name)
    payload = reader.take(size, name)
    reader.check(name)
    return Chunk(offsets, levels_crc, payload)


def _parts(numbers: range, size: int) -> Iterator[range]:
    return (numbers[first : first + size] for first in range(0, len(numbers), size))
