"""The bytes of a compressed file; docs/compression.md is its specification.

A file is a header and chunks. After each of these stands the CRC-32 of all that comes before it, but for the earlier
CRC-32s, so that a part that was changed, moved, taken from another file or cut off is found before anything is decoded.
(With them it would start anew at each: a CRC of bytes and their CRC is a constant.) What a chunk decodes to has a
CRC-32 of its own: a decoder that computes other numbers than the encoder gives an error, never other pixels.
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

# Not ASCII, and with both kinds of line ends, as PNG has it: a transfer as text would change it.
SIGNATURE = b"\x89PXR\r\n\x1a\n"
FORMAT_VERSION = 1
# Images that are decoded side by side; what a file may ask for at most.
MOST_IMAGES_PER_BATCH = 4096
# What else the model was given: nothing, a condition that the file does not hold, the classes, which it does.
NO_CONDITION, GIVEN, LABELS = range(3)

# Version of the format and of the coder, grid bits, kind of condition, digest, image shape, levels - 1, images, images
# of a batch, batches of a chunk.
_HEADER = struct.Struct("<BBBBB16sHHBBIHH")
# Bytes of the payload, CRC-32 of the levels.
_CHUNK = struct.Struct("<II")
_CRC = struct.Struct("<I")
# A level costs at most the precision of the coder, 24 bits; a payload has a few more words at its end.
_MOST_BYTES_PER_LEVEL, _MOST_BYTES_AT_END = 3, 16


@dataclasses.dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        model_digest: 16 bytes that tell the model, `pixelrnn_tf.compression.model_digest`.
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel, 2 to 256.
        images: how many.
        batch_size: images that share the calls of the coder; the last batch may have fewer.
        chunk_batches: batches of a chunk; the last chunk may have fewer.
        condition: what the model was given besides the images, `NO_CONDITION`, `GIVEN` (a condition that the file does
            not hold) or `LABELS` (the classes of the images, which every batch begins with).
    """

    model_digest: bytes
    image_shape: ImageShape
    levels: int
    images: int
    batch_size: int
    chunk_batches: int
    condition: int

    @property
    def chunk_images(self) -> int:
        """Images of every chunk but the last."""
        return self.batch_size * self.chunk_batches

    def chunk_ranges(self) -> Iterator[range]:
        """The images of every chunk, by their numbers in the file."""
        return _parts(range(self.images), self.chunk_images)

    def batch_ranges(self, chunk: range) -> Iterator[range]:
        """The images of every batch of a chunk."""
        return _parts(chunk, self.batch_size)

    def to_bytes(self) -> bytes:
        """The header, without the CRC-32 after it."""
        packed = _HEADER.pack(
            FORMAT_VERSION,
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
        offsets: of the grid, one byte for every batch.
        levels_crc: CRC-32 of its levels, a byte each, in the order of images in memory.
        payload: what the coder wrote.
    """

    offsets: bytes
    levels_crc: int
    payload: bytes

    def to_bytes(self) -> bytes:
        """The chunk, without the CRC-32 after it."""
        return _CHUNK.pack(len(self.payload), self.levels_crc) + self.offsets + self.payload


def check_writable(header: Header) -> None:
    """Check that a file has room for the numbers of a header.

    Raises:
        ValueError: for more images, or larger ones, than a file can hold.
    """
    height, width, channels = header.image_shape
    if max(height, width) >= 2**16 or channels >= 2**8 or header.images >= 2**32:
        raise ValueError(
            f"A file holds up to {2**32 - 1:,} images of sides up to {2**16 - 1:,} with up to {2**8 - 1} channels; got "
            f"{header.images:,} images of the shape {header.image_shape}."
        )


def write_file(header: Header, chunks: Iterable[Chunk]) -> bytes:
    """The bytes of a file."""
    parts, crc = [], 0
    for content in itertools.chain([header.to_bytes()], (chunk.to_bytes() for chunk in chunks)):
        crc = zlib.crc32(content, crc)
        parts += [content, _CRC.pack(crc)]
    return b"".join(parts)


def read_file(data: bytes) -> tuple[Header, list[Chunk]]:
    """The header and the chunks of a file, all of whose bytes are as they were written; names of pictures are left out.

    Raises:
        ValueError: if it is no such file, of a later version, damaged, cut off or followed by something.
    """
    data, _ = split_names(data)
    reader = _Reader(data)
    header = _read_header(reader)
    chunks = [_read_chunk(reader, header, images) for images in header.chunk_ranges()]
    left = len(data) - reader.position
    if left:
        raise ValueError(f"The file goes on for {left} bytes after its last chunk: it is damaged.")
    return header, chunks


def read_header(data: bytes) -> Header:
    """The header of a file; of the rest nothing is read.

    Raises:
        ValueError: if it is no such file, of a later version, or its header is damaged or cut off.
    """
    return _read_header(_Reader(data))


class _Reader:
    """Takes a file apart from its beginning, and holds the CRC-32 of what was taken."""

    def __init__(self, data: bytes):
        self.data, self.position, self._crc = data, 0, 0

    def take(self, size: int, name: str) -> bytes:
        """The next bytes, which belong to what `name` says."""
        part = self._next(size, name)
        self._crc = zlib.crc32(part, self._crc)
        return part

    def check(self, name: str) -> None:
        """Read the CRC-32 that stands here.

        Raises:
            ValueError: if it is not that of what was taken.
        """
        if _CRC.unpack(self._next(_CRC.size, name))[0] != self._crc:
            raise ValueError(f"The file is damaged: the CRC-32 after {name} is not that of what comes before it.")

    def _next(self, size: int, name: str) -> bytes:
        part = self.data[self.position : self.position + size]
        if len(part) < size:
            raise ValueError(f"The file ends in {name}, after {len(self.data):,} bytes: it was cut off.")
        self.position += size
        return part


def _read_header(reader: _Reader) -> Header:
    if not reader.data.startswith(SIGNATURE):
        raise ValueError("This is no file of compressed images: its first bytes are others.")
    name = "the header"
    reader.take(len(SIGNATURE), name)
    packed = reader.take(_HEADER.size, name)
    version, major, minor, grid_bits, condition, digest, height, width, channels, highest, *rest = _HEADER.unpack(
        packed
    )
    if version != FORMAT_VERSION:
        raise ValueError(
            f"The file has version {version} of the format, or is damaged; this version of pixelrnn_tf reads "
            f"{FORMAT_VERSION}. Use the version that wrote it, or a later one."
        )
    reader.check(name)
    if (major, minor) != CODER_VERSION or grid_bits != GRID_BITS or condition > LABELS:
        raise ValueError(
            f"The file was written with constriction {major}.{minor}, a grid of 2^-{grid_bits} and conditions of the "
            f"kind {condition}; this version of pixelrnn_tf reads constriction {CODER_VERSION[0]}.{CODER_VERSION[1]}, "
            f"2^-{GRID_BITS} and the kinds 0 to {LABELS}. Use the version that wrote it."
        )
    images, batch_size, chunk_batches = rest
    header = Header(digest, (height, width, channels), highest + 1, images, batch_size, chunk_batches, condition)
    _check_sizes(header)
    return header


def _check_sizes(header: Header) -> None:
    positive = min(*header.image_shape, header.batch_size, header.chunk_batches, header.levels - 1) > 0
    if not positive or header.batch_size > MOST_IMAGES_PER_BATCH:
        raise ValueError(
            f"The header of the file makes no sense: images {header.image_shape} of {header.levels} levels, "
            f"{header.batch_size} in a batch (at most {MOST_IMAGES_PER_BATCH:,}), {header.chunk_batches} batches in a "
            "chunk."
        )


def _read_chunk(reader: _Reader, header: Header, images: range) -> Chunk:
    name = f"the chunk of the images {images.start} to {images.stop - 1} of {header.images}"
    size, levels_crc = _CHUNK.unpack(reader.take(_CHUNK.size, name))
    # Each with one more for its class.
    most = _MOST_BYTES_PER_LEVEL * len(images) * (math.prod(header.image_shape) + 1) + _MOST_BYTES_AT_END
    if size % 4 or size > most:
        raise ValueError(f"The file is damaged: {name} cannot have {size:,} bytes, but at most {most:,}.")
    offsets = reader.take(sum(1 for _ in header.batch_ranges(images)), name)
    payload = reader.take(size, name)
    reader.check(name)
    return Chunk(offsets, levels_crc, payload)


def _parts(numbers: range, size: int) -> Iterator[range]:
    return (numbers[first : first + size] for first in range(0, len(numbers), size))
