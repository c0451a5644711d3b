"""One program at a time in a working directory."""

import os
import pathlib
import subprocess
import sys

import pytest

from pixelrnn_tf.training import workdir

ROOT = pathlib.Path(__file__).parents[2]
HOLD = """
import pathlib, sys, time
from pixelrnn_tf.training import workdir
with workdir.locked(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_program_is_refused_until_the_first_has_ended_however_it_ends(tmp_path):
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "locked\n"
    with (
        pytest.raises(ValueError, match=f"{tmp_path} is in use by process {first.pid} on .* another --workdir"),
        workdir.locked(tmp_path),
    ):
        pass
    # Another worker of a cluster writes nothing, and takes no lock.
    with workdir.locked(tmp_path, is_chief=False):
        pass
    first.kill()
    first.communicate()
    assert (tmp_path / ".lock").exists(), "it had no time to remove it"
    with workdir.locked(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_program_left_half_written_is_removed(tmp_path):
    for name in (".model.123.keras", ".model.123.json", ".hidden", ".notes.txt", "step.1.keras"):
        (tmp_path / name).write_text("half")
    with workdir.locked(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", ".notes.txt", "step.1.keras"]


def test_a_folder_made_for_nothing_is_removed_again(tmp_path):
    with workdir.locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    with workdir.locked(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "kept").touch()
    assert (tmp_path / "a" / "b" / "kept").exists()


def test_a_config_of_another_form_is_named(tmp_path):
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"config\.json is no configuration of a run"):
        workdir.read_config(tmp_path / "config.json")
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"config\.json is not a JSON file"):
        workdir.read_config(tmp_path / "config.json")
