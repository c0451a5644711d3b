"""One program at a time in a working directory."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import time
import warnings

import pytest

from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf.files import write_json
from pixelrnn_tf.training import workdir
from pixelrnn_tf.training.metrics import metrics_in
from tests.support.training_runs import tiny_config


@contextlib.contextmanager
def holding(folder):
    """Another process, which holds the lock of a folder."""
    ready, told = os.pipe()
    with warnings.catch_warnings():
        # Python and JAX warn of a fork beside threads; the child uses nothing that they hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        child = os.fork()
    if child == 0:
        try:
            with workdir.locked(folder):
                os.write(told, b"locked")
                time.sleep(60)
        finally:
            os._exit(1)
    try:
        assert os.read(ready, 6) == b"locked"
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)


def test_a_second_program_is_refused_until_the_first_has_ended_however_it_ends(tmp_path):
    with holding(tmp_path) as first:
        with (
            pytest.raises(ValueError, match=f"{tmp_path} is in use by process {first} on .* another --workdir"),
            workdir.locked(tmp_path),
        ):
            pass
        # Another worker of a cluster writes nothing, and takes no lock.
        with workdir.locked(tmp_path, is_chief=False):
            pass
    assert (tmp_path / ".lock").exists(), "it had no time to remove it"
    with workdir.locked(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_program_left_half_written_is_removed(tmp_path):
    half = [".model.123.keras", ".model.123.json", ".model.ab_cd12x.json", ".metrics.a1b2c3d4.jsonl"]
    others = [
        ".hidden",
        ".notes.txt",
        "step.1.keras",
        ".vimrc.1",
        ".backup.20240101.tar",
        ".model.1.tar",
        ".model.a.json",
    ]
    for name in half + others:
        (tmp_path / name).write_text("half")
    with workdir.locked(tmp_path):
        pass
    assert all((tmp_path / name).exists() for name in half), "the folder is of no run"
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "target").write_text("kept")
    (tmp_path / ".report.12345678.md").symlink_to(tmp_path / "target")
    with workdir.locked(tmp_path):
        pass
    kept = [*others, "config.json", "target", ".report.12345678.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("words")
    (tmp_path / "run").mkdir()
    for make in (precious.symlink_to, os.mkfifo, pathlib.Path.mkdir):
        lock = tmp_path / "run" / ".lock"
        lock.symlink_to(precious) if make == precious.symlink_to else make(lock)
        with (
            pytest.raises(ValueError, match=r"\.lock is (a link or a folder|not a regular file)"),
            workdir.locked(tmp_path / "run"),
        ):
            pass
        lock.rmdir() if lock.is_dir() else lock.unlink()
    assert precious.read_text() == "words"


@pytest.mark.parametrize("name", ["model.keras", "report.md", "metrics.jsonl", "samples.png"])
def test_files_of_no_run_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=rf"has {name}, which the run would replace, but no config\.json of a run"):
        workdir.check_workdir(tmp_path, tiny_config())


def test_results_without_checkpoints_are_not_replaced(tmp_path):
    config = tiny_config()
    write_json(tmp_path / "config.json", workdir.as_json(config))
    # Killed before its first checkpoint, a run starts again.
    write_json(tmp_path / "model.json", {"steps": 0})
    (tmp_path / "model.keras").touch()
    workdir.check_workdir(tmp_path, config)
    for name, text in (
        ("model.json", '{"steps": 5}'),
        ("metrics.jsonl", '{"step": 0, "a": 1}\n{"step": 3, "a": 1}\n'),
        ("report.md", "# Report"),
    ):
        before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=r"whose checkpoints are gone.*--workdir.*--init_from=.*model\.keras"):
            workdir.check_workdir(tmp_path, config)
        (tmp_path / "checkpoints" / "step-00000005").mkdir(parents=True)
        workdir.check_workdir(tmp_path, config)
        shutil.rmtree(tmp_path / "checkpoints")
        (tmp_path / name).unlink() if before is None else (tmp_path / name).write_bytes(before)
    workdir.check_workdir(tmp_path, config)


def test_no_file_of_a_run_blocks(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ValueError, match=r"config\.json is not a regular file"):
        workdir.check_workdir(tmp_path, tiny_config())
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(ValueError, match=r"metrics\.jsonl is not a regular file"):
        metrics_in(tmp_path / "metrics.jsonl")


def test_a_folder_made_for_nothing_is_removed_again(tmp_path):
    with workdir.locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    with workdir.locked(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "kept").touch()
    assert (tmp_path / "a" / "b" / "kept").exists()


def test_a_config_of_another_form_is_named(tmp_path):
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"config\.json is not the configuration of a run"):
        workdir.read_config(tmp_path / "config.json")
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"config\.json is not a JSON file"):
        workdir.read_config(tmp_path / "config.json")


def test_a_run_with_the_earlier_names_of_options_is_the_same_run(tmp_path):
    earlier = {"average_decay": 0.5, "clip_norm": 2.0, "accumulation": 2, "decay_at": [3, 9]}
    (tmp_path / "config.json").write_text(json.dumps({**earlier, "schedule": "step"}))
    same = TrainConfig(
        ema_decay=0.5, global_clipnorm=2.0, gradient_accumulation_steps=2, lr_boundaries=(3, 9), schedule="step"
    )
    workdir.check_workdir(tmp_path, same)
    with pytest.raises(ValueError, match=r"ema_decay: 0\.5 there, 0\.25 now"):
        workdir.check_workdir(tmp_path, dataclasses.replace(same, ema_decay=0.25))
