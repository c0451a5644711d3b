"""Open regular files below a size, and nothing that blocks or never ends: no FIFOs, devices or huge files."""

import io
import os
import stat

# More than any JSON file of this package has, and any list of metrics of a run.
MOST_TEXT = 2**28
# Bytes that are read at a time.
PIECE = 2**22


def open_regular(path: str | bytes | os.PathLike[str], most: int = MOST_TEXT) -> io.BufferedReader:
    """Open a regular file to read its bytes.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ValueError: if it is a FIFO, a device, a socket or a folder, or is larger.
        OSError: if there is no such file, or it cannot be opened.
    """
    shown = os.fsdecode(path)
    if os.path.exists(path) and not os.path.isfile(path):  # Opening a device may do something.
        raise ValueError(f"{shown} is not a regular file.")
    # Without O_NONBLOCK a FIFO that takes the place of the file just now would block.
    flags = [getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")]
    file = os.fdopen(os.open(path, os.O_RDONLY | sum(flags)), "rb")
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= most:
        return file
    file.close()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{shown} is not a regular file.")
    raise ValueError(f"{shown} has {status.st_size:,} bytes; at most {most:,} are read.")


def read_regular(path: str | bytes | os.PathLike[str], most: int = MOST_TEXT) -> bytes:
    """The contents of a regular file.

    Raises:
        ValueError: as `open_regular`.
        OSError: as `open_regular`, or if it cannot be read.
    """
    contents = bytearray()
    with open_regular(path, most) as file:
        while part := file.read(PIECE):
            contents += part
            if len(contents) > most:  # Some files of the system say that they are empty, and others grow.
                raise ValueError(f"{os.fsdecode(path)} has more than the {most:,} bytes that are read.")
    return bytes(contents)


def read_text(path: str | os.PathLike[str], most: int = MOST_TEXT) -> str:
    """The text of a regular file in UTF-8, whatever the locale.

    Raises:
        ValueError: as `read_regular`, or if it is not UTF-8.
        OSError: as `read_regular`.
    """
    return read_regular(path, most).decode("utf-8")
