"""The bytes of a file: what they are, and that nothing that was changed in them is taken for a file."""

import struct
import zlib

import numpy as np
import pytest

from pixelrnn_tf.compression.file_format import Chunk, Header, read_file, read_header, write_file
from tests.compression.test_codec import make_codec
from tests.support.networks import random_images

HEADER = Header(bytes(range(16)), (28, 20, 3), 256, images=11, batch_size=2, chunk_batches=2, condition=0)
CHUNKS = [Chunk(b"\1\2", 7, b"abcd"), Chunk(b"\3\4", 8, b""), Chunk(b"\5\6", 9, b"efghijkl")]


def resealed(data, *ends):
    """The file with new CRC-32s after the parts that end at these positions: changed by somebody who knows how."""
    parts, crc, start = [], 0, 0
    for end in ends:
        crc = zlib.crc32(data[start:end], crc)
        parts += [data[start:end], struct.pack("<I", crc)]
        start = end + 4
    return b"".join([*parts, data[start:]])


def test_every_byte_of_a_file_is_where_the_document_says():
    data = write_file(HEADER, CHUNKS)
    assert data[:8] == b"\x89PXR\r\n\x1a\n"
    assert list(data[8:13]) == [1, 0, 5, 10, 0]
    assert data[13:29] == bytes(range(16))
    assert struct.unpack("<HHBBIHH", data[29:43]) == (28, 20, 3, 255, 11, 2, 2)
    crc = zlib.crc32(data[:43])
    assert struct.unpack("<I", data[43:47])[0] == crc
    assert struct.unpack("<II", data[47:55]) == (4, 7)
    assert data[55:61] == b"\1\2abcd"
    crc = zlib.crc32(data[47:61], crc)
    assert struct.unpack("<I", data[61:65])[0] == crc
    assert len(data) == 65 + 14 + 22


def test_what_was_written_is_read():
    data = write_file(HEADER, CHUNKS)
    assert read_file(data) == (HEADER, CHUNKS)
    assert read_header(data[:47]) == HEADER
    assert [list(numbers) for numbers in HEADER.chunk_ranges()] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert [list(batch) for batch in HEADER.batch_ranges(range(8, 11))] == [[8, 9], [10]]


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (0, b"P", "not a file of compressed images"),
        (8, b"\3", "has format version 3"),
        (10, b"\6", r"written with constriction 0\.6"),
        (11, b"\x0c", r"a grid of 2\^-12"),
        (12, b"\3", "condition kind 3"),
        (29, b"\0\0", "is invalid"),
        (34, b"\0", "is invalid"),
        (39, b"\0\0", "is invalid"),
        (39, b"\xff\xff", "65535 per batch"),
        (41, b"\0\0", "is invalid"),
        (35, b"\xff\xff\xff\xff", "the images 12 to 15 of 4294967295, after 101 bytes: it is truncated"),
        (47, b"\xff\xff\xff\xff", "has 4,294,967,295 bytes; at most"),
        (47, b"\3", "has 3 bytes"),
        (47, b"\xf0", "it is truncated"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_though_the_checksums_are_right(position, value, message):
    data = write_file(HEADER, CHUNKS)
    data = data[:position] + value + data[position + len(value) :]
    with pytest.raises(ValueError, match=message):
        read_file(resealed(data, 43, 61, 75, 97))


@pytest.fixture(scope="module")
def files():
    """A codec, and two files of the same model of the same number of images in three chunks."""
    patch = pytest.MonkeyPatch()
    patch.setattr("pixelrnn_tf.compression.codec._IMAGES_PER_BATCH", 4)
    patch.setattr("pixelrnn_tf.compression.codec._BATCHES_PER_CHUNK", 2)
    codec = make_codec(levels=17)
    images = [random_images(codec.model, 20, seed) for seed in range(2)]
    yield codec, images, [codec.encode(value).data for value in images]
    patch.undo()


def mutations(data, other, number):
    """So many files that differ from `data`: flipped bits, cuts, insertions, splices with another file, overwriting."""
    rng = np.random.default_rng(0)
    made = 0
    while made < number:
        kind, (a, b) = made % 6, sorted(rng.integers(0, len(data) + 1, 2))
        changed = bytearray(data)
        if kind == 0:
            changed[rng.integers(len(data))] ^= 1 << rng.integers(8)
        elif kind == 1:
            changed = changed[:a] if rng.random() < 0.5 else changed[:a] + changed[b:]
        elif kind == 2:
            changed[a:a] = rng.bytes(rng.integers(1, 9))
        elif kind == 3:
            changed[a:b] = other[a : a + b - a]
        elif kind == 4:
            changed[a:b] = changed[b:] + changed[a:b]
        else:
            position, size = rng.integers(8, 46), rng.integers(1, 5)  # Of the header.
            changed[position : position + size] = rng.bytes(size)
        if bytes(changed) != data and bytes(changed) != other:
            made += 1
            yield bytes(changed)


def test_no_changed_file_is_taken_for_one(files):
    codec, _, (data, other) = files
    for changed in mutations(data, other, 2000):
        with pytest.raises(ValueError, match=r"The file|This is not a file"):
            codec.decode(changed)


def test_chunks_stay_with_their_file_and_in_their_order(files):
    codec, images, (data, other) = files
    (header, chunks), (_, others) = read_file(data), read_file(other)
    assert len(chunks) == 3
    ends = np.cumsum([43, *(4 + len(chunk.to_bytes()) for chunk in chunks)])
    parts = [data[start : end + 4] for start, end in zip([0, *(ends[:-1] + 4)], ends, strict=True)]
    assert b"".join(parts) == data
    with pytest.raises(ValueError, match="the CRC-32 after the chunk of the images 0 to 7 of 20"):
        codec.decode(b"".join([parts[0], parts[2], parts[1], parts[3]]))
    # A chunk of the other file with right checksums is a file of its images: nobody else can tell.
    mixed = write_file(header, [chunks[0], others[1], chunks[2]])
    assert np.array_equal(codec.decode(mixed).images[8:16], images[1][8:16])
    spliced = bytearray(data)
    spliced[ends[0] + 4 : ends[1] + 4] = other[ends[0] + 4 : ends[1] + 4]
    with pytest.raises(ValueError, match="The file"):
        codec.decode(bytes(spliced))


def test_levels_that_come_out_otherwise_are_refused_where_every_checksum_of_the_bytes_is_right(files):
    codec, _, (data, _) = files
    header, chunks = read_file(data)
    payload = bytearray(chunks[1].payload)
    payload[5] ^= 1
    for chunk in (
        Chunk(chunks[1].offsets, chunks[1].levels_crc, bytes(payload)),
        Chunk(b"\x80\x80", chunks[1].levels_crc, chunks[1].payload),
        Chunk(chunks[1].offsets, chunks[1].levels_crc, b""),
        Chunk(chunks[1].offsets, chunks[1].levels_crc ^ 1, chunks[1].payload),
    ):
        forged = write_file(header, [chunks[0], chunk, chunks[2]])
        with pytest.raises(ValueError, match=r"Images 8 to 15 do not decode to what was encoded"):
            codec.decode(forged)
