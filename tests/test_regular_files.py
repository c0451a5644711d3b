"""Files of people are read if they are regular and not too large, and block nothing."""

import os

import pytest

from pixelrnn_tf.regular_files import read_regular, read_text


def test_a_regular_file_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_text("é", encoding="utf-8")
    assert read_regular(path) == b"\xc3\xa9"
    assert read_text(path) == "é"
    (tmp_path / "link").symlink_to(path)
    assert read_regular(os.fsencode(tmp_path / "link")) == b"\xc3\xa9"
    with pytest.raises(ValueError, match="has 2 bytes; the limit is 1"):
        read_regular(path, most=1)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")


def test_nothing_else_is(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "fifo", tmp_path / "link", tmp_path, "/dev/zero"):
        with pytest.raises(ValueError, match="is not a regular file"):
            read_regular(path)
    # It says that it has no bytes.
    with pytest.raises(ValueError, match="has more than the limit of 3 bytes"):
        read_regular("/proc/self/status", most=3)
