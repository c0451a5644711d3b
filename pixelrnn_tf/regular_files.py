"""Open regular files up to a maximum size, and reject FIFOs, devices and larger files."""

import io
import os
import stat

# Larger than all JSON files of this package and the metrics of any run.
MOST_TEXT = 2**28
# Number of bytes that are read at a time.
PIECE = 2**22


def open_regular(path: str | bytes | os.PathLike[str], most: int = MOST_TEXT) -> io.BufferedReader:
    """Open a regular file to read its bytes.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ValueError: if it is a FIFO, a device, a socket or a folder, or is too large.
        OSError: if there is no such file, or it cannot be opened.
    """
    shown = os.fsdecode(path)
    if os.path.exists(path) and not os.path.isfile(path):  # Opening a device may have side effects.
        raise ValueError(f"{shown} is not a regular file.")
    # Without O_NONBLOCK, a FIFO that replaces the file at this moment would block.
    flags = [getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")]
    file = os.fdopen(os.open(path, os.O_RDONLY | sum(flags)), "rb")
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= most:
        return file
    file.close()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{shown} is not a regular file.")
    raise ValueError(f"{shown} has {status.st_size:,} bytes; the limit is {most:,}.")


def read_regular(path: str | bytes | os.PathLike[str], most: int = MOST_TEXT) -> bytes:
    """Read the bytes of a regular file.

    Raises:
        ValueError: see `open_regular`.
        OSError: see `open_regular`; also if it cannot be read.
    """
    contents = bytearray()
    with open_regular(path, most) as file:
        while part := file.read(PIECE):
            contents += part
            if len(contents) > most:  # Some system files report size 0, and others grow.
                raise ValueError(f"{os.fsdecode(path)} has more than the limit of {most:,} bytes.")
    return bytes(contents)


def read_text(path: str | os.PathLike[str], most: int = MOST_TEXT) -> str:
    """Read the text of a regular file in UTF-8, whatever the locale.

    Raises:
        ValueError: see `read_regular`; also if it is not UTF-8.
        OSError: see `read_regular`.
    """
    return read_regular(path, most).decode("utf-8")
