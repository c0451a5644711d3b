"""Files of JSON, and paths that can be written to."""

import json
import math
import os
import subprocess

import pytest

from pixelrnn_tf import files


def test_numbers_that_are_not_finite_are_null(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": math.nan, "b": [1.5, math.inf, (-math.inf, "x")], "c": None})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [1.5, None, [None, "x"]], "c": None}


def test_a_temporary_file_is_nobody_elses_and_gets_usual_permissions(tmp_path):
    (tmp_path / "victim").write_text("kept")
    (tmp_path / f".out.{os.getpid()}.txt").symlink_to(tmp_path / "victim")
    os.umask(umask := os.umask(0o022))
    files.write_text(tmp_path / "out.txt", "é")
    assert (tmp_path / "out.txt").read_bytes() == "é".encode()
    assert (tmp_path / "victim").read_text() == "kept"
    assert (tmp_path / "out.txt").stat().st_mode & 0o777 == 0o666 & ~umask
    (tmp_path / "link.txt").symlink_to(tmp_path / "victim")
    files.write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "victim").read_text() == "kept"
    assert not (tmp_path / "link.txt").is_symlink()
    with pytest.raises(UnicodeEncodeError):
        files.write_text(tmp_path / "out.txt", "half" + "\udcff")
    assert (tmp_path / "out.txt").read_bytes() == "é".encode()
    assert sum(path.name.startswith(".out") for path in tmp_path.iterdir()) == 1


def test_the_longest_name_that_a_file_may_have_can_be_written(tmp_path):
    name = "é" * 125 + ".json"
    assert len(name.encode()) == 255
    files.write_json(tmp_path / name, [1])
    assert files.read_json(tmp_path / name) == [1]


def test_a_folder_is_there_at_once_or_not_at_all(tmp_path):
    (tmp_path / "out").mkdir()
    with files.folder_beside(tmp_path / "out") as folder:
        (folder / "a").touch()
        assert not any((tmp_path / "out").iterdir())
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]
    with pytest.raises(OSError, match="not empty"), files.folder_beside(tmp_path / "out") as folder:
        (folder / "b").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"], "another program was faster"


def test_folders_of_killed_programs_are_removed_and_those_of_others_are_not(tmp_path):
    with files.folder_beside(tmp_path / "out") as folder:
        own = folder.name
        process = subprocess.Popen(["true"])
        process.wait()
        dead = own.replace(f"-{os.getpid()}.", f"-{process.pid}.")
        kept = [own[:-1] + "?", ".out.1", own.replace(".out.", ".other.").replace(str(os.getpid()), str(process.pid))]
        for name in (dead, *kept):
            (tmp_path / name).mkdir()
    with files.folder_beside(tmp_path / "two"), files.folder_beside(tmp_path / "out"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "out", "two"])
