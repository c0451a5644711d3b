"""Names of the pictures in a compressed file: an optional part after its last chunk."""

import json
import struct
import zlib
from collections.abc import Sequence

# Size of the names in bytes and their CRC-32; these letters end the file.
_END, _LETTERS = struct.Struct("<II"), b"PXRNAMES"
# Limit of the uncompressed size of all names, in bytes.
_MOST = 2**28


def add_names(data: bytes, names: Sequence[str]) -> bytes:
    """Append the names of the pictures, in order, to a compressed file."""
    packed = zlib.compress(json.dumps(list(names)).encode())
    return data + packed + _END.pack(len(packed), zlib.crc32(packed)) + _LETTERS


def split_names(data: bytes) -> tuple[bytes, list[str] | None]:
    """Split a compressed file from the names of its pictures; None if it holds none.

    Raises:
        ValueError: if the names are damaged.
    """
    if not data.endswith(_LETTERS) or len(data) < len(_LETTERS) + _END.size:
        return data, None
    end = len(data) - len(_LETTERS) - _END.size
    size, crc = _END.unpack(data[end : end + _END.size])
    packed = data[max(0, end - size) : end]
    inflated = zlib.decompressobj()
    try:
        if zlib.crc32(packed) != crc:
            raise ValueError("their CRC-32 does not match")
        text = inflated.decompress(packed, _MOST)
        names = json.loads(text)
        if not inflated.eof or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("they are not a list of names")
    except (ValueError, RecursionError, zlib.error) as error:
        raise ValueError(f"The file is damaged in the names of its pictures: {error}.") from error
    return data[: end - size], names
