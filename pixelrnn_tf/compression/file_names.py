"""Names of the pictures in a compressed file: an optional part after its last chunk."""

import json
import struct
import zlib
from collections.abc import Sequence

# Bytes of the names and their CRC-32; then the file ends with these letters.
_END, _LETTERS = struct.Struct("<II"), b"PXRNAMES"
# Bytes of all names of a file, uncompressed.
_MOST = 2**28


def add_names(data: bytes, names: Sequence[str]) -> bytes:
    """A compressed file with the names of its pictures, in their order."""
    packed = zlib.compress(json.dumps(list(names)).encode())
    return data + packed + _END.pack(len(packed), zlib.crc32(packed)) + _LETTERS


def split_names(data: bytes) -> tuple[bytes, list[str] | None]:
    """A compressed file without the names of its pictures, and these; None if it holds none.

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
            raise ValueError("their CRC-32 is not theirs")
        text = inflated.decompress(packed, _MOST)
        names = json.loads(text)
        if not inflated.eof or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("they are no list of names")
    except (ValueError, RecursionError, zlib.error) as error:
        raise ValueError(f"The file is damaged: of the names of its pictures, {error}.") from error
    return data[: end - size], names
