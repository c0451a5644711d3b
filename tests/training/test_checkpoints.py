"""Checkpoints that somebody damaged, or that are of something else."""

import dataclasses
import json

import pytest
import tensorflow as tf

from pixelrnn_tf.training import journal
from pixelrnn_tf.training.checkpoints import Checkpoints, Progress


def checkpoints(folder, weights=("kernel",), shape=()):
    return Checkpoints(folder, tf.train.Checkpoint(value=tf.Variable(tf.zeros(shape))), list(weights))


@pytest.fixture
def folder(tmp_path):
    """Checkpoints of steps 1 and 2."""
    saved = checkpoints(tmp_path / "checkpoints")
    for step in (1, 2):
        saved.save(Progress(step=step, seconds=0.5, best=3.0))
    return tmp_path / "checkpoints"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m["progress"].pop("seconds"), "its progress must have step, seconds"),
        (lambda m: m["progress"].update(step="2"), "its progress has step = '2'"),
        (lambda m: m["progress"].update(best=[1.0]), r"its progress has best = \[1.0\]"),
        (lambda m: m["progress"].update(since_best=True), "its progress has since_best = True"),
        (lambda m: m.update(progress=3), "its progress must have"),
        (lambda m: m.pop("files"), "KeyError: 'files'"),
        (lambda m: m.update(files=[1]), "manifest.json cannot be used"),
        (
            lambda m: m["files"].update({"../../x": {"bytes": 1}}),
            "names '../../x', which is not a file in the same folder",
        ),
        (
            lambda m: m["files"].update({"/dev/zero": {"bytes": 1}}),
            "names '/dev/zero', which is not a file in the same folder",
        ),
        (lambda m: m["files"].update({"x": {"bytes": 1}}), "there is no x"),
    ],
)
def test_a_manifest_of_another_form_is_named_and_its_checkpoint_passed_over(change, problem, folder):
    path = folder / "step-00000002" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    progress, warnings = checkpoints(folder).restore()
    assert progress == Progress(step=1, seconds=0.5, best=3.0)
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(*warnings)
    assert len(warnings) == 1
    assert "\n" not in warnings[0]


def test_what_is_no_checkpoint_is_left_alone(folder):
    (folder / "notes.txt").touch()
    (folder / "step-2.bak").mkdir()
    (folder / "step-00000003").touch()
    saved = checkpoints(folder)
    progress, warnings = saved.restore()
    assert progress.step == 2
    assert [warning.partition("broken: ")[2] for warning in warnings] == ["it is a file. It is skipped."]
    saved.save(Progress(step=3))
    saved.save(Progress(step=4))
    assert sorted(path.name for path in folder.iterdir()) == [
        "notes.txt", "step-00000003", "step-00000004", "step-2.bak",
    ]  # fmt: skip
    only = folder.parent / "only"
    only.mkdir()
    (only / "notes.txt").touch()
    assert checkpoints(only).restore() is None


def test_the_newest_checkpoint_has_the_largest_step_not_the_last_name(tmp_path):
    saved = checkpoints(tmp_path / "checkpoints")
    for step in (99_999_998, 99_999_999, 100_000_000):
        saved.save(Progress(step=step))
    progress, _ = checkpoints(tmp_path / "checkpoints").restore()
    assert progress.step == 100_000_000


@pytest.mark.parametrize("other", [{"weights": ("kernel", "bias")}, {"shape": (3,)}], ids=str)
def test_a_checkpoint_of_another_network_is_refused(other, folder):
    with pytest.raises(ValueError, match=r"step-00000002 is of another network or version .* --workdir"):
        checkpoints(folder, **other).restore()


def test_broken_lines_of_the_metrics_are_left_out_and_counted(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\nnothing\n\xff\xfe\n[2]\n{"step": "2"}\n' + b"[" * 10_000 + b'\n{"step": 2}\n')
    metrics = journal.MetricsFile(path, 2)
    assert metrics.unreadable == 5
    metrics.write(step=3, rate=float("nan"))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 1}, {"step": 2}, {"step": 3, "rate": None},
    ]  # fmt: skip


def test_progress_of_an_earlier_version_has_no_processor_time():
    told = dataclasses.asdict(Progress(step=3, seconds=2.0))
    del told["processor_seconds"]
    assert Progress.from_json(told) == Progress(step=3, seconds=2.0, processor_seconds=0.0)
