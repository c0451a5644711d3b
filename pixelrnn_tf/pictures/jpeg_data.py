"""Detection of truncated JPEG data, which decoders silently fill with gray."""

START, END = b"\xff\xd8", b"\xff\xd9"
# Frames whose picture is one scan after another of whole rows: baseline and extended, Huffman coded.
SEQUENTIAL = (0xC0, 0xC1)
OTHER_FRAMES = {*range(0xC0, 0xD0)} - {*SEQUENTIAL, 0xC4, 0xC8, 0xCC}
START_OF_SCAN, RESTARTS = 0xDA, range(0xD0, 0xD8)
# A decoder reads up to 64 bits ahead of the last code.
READ_AHEAD = 8


def without_end(jpeg: bytes) -> bytes:
    """Remove the end marker of a JPEG file, so that decoders report missing data.

    With the marker, decoders read missing data as zeros. Files of several scans, such as progressive ones, and files
    that are not JPEG are returned unchanged.
    """
    position = _data_of_only_scan(jpeg)
    while position is not None:
        position = jpeg.find(b"\xff", position)
        marker = jpeg[position + 1] if 0 <= position < len(jpeg) - 1 else None
        if marker == END[1]:
            return jpeg[:position] + bytes(READ_AHEAD)
        if marker == 0 or marker in RESTARTS:
            position += 2
        elif marker == 0xFF:
            position += 1
        else:
            break
    return jpeg


def _data_of_only_scan(jpeg: bytes) -> int | None:
    """Return the offset of the compressed data of a sequential JPEG with one scan of all components, or None."""
    position, components = len(START), None
    while jpeg.startswith(START) and position + 4 < len(jpeg) and jpeg[position] == 0xFF:
        marker, length = jpeg[position + 1], int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if marker == 0xFF:
            position += 1
            continue
        if marker in OTHER_FRAMES:
            return None
        if marker in SEQUENTIAL:
            components = jpeg[position + 9 : position + 10]
        if marker == START_OF_SCAN:
            return position + 2 + length if jpeg[position + 4 : position + 5] == components else None
        position += 2 + length
    return None
