"""Files of JSON, and paths that can be written to."""

import json
import math

import pytest

from pixelrnn_tf import files


def test_numbers_that_are_not_finite_are_null(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": math.nan, "b": [1.5, math.inf, (-math.inf, "x")], "c": None})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [1.5, None, [None, "x"]], "c": None}


def test_a_path_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    files.check_writable(tmp_path / "file")
    files.check_writable(tmp_path / "new" / "file.png")
    files.check_writable(tmp_path / "new" / "folder", is_folder=True)
    for path, is_folder, why in (
        (tmp_path, False, "it is a folder"),
        (tmp_path / "file", True, "it is a file"),
        (tmp_path / "file" / "picture.png", False, "file is a file"),
    ):
        with pytest.raises(OSError, match=f"Cannot write to {path}: .*{why}"):
            files.check_writable(path, is_folder)
