"""Runs that are signalled, killed and damaged go on as if nothing had happened."""

import json
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.scaling import free_ports
from pixelrnn_tf.devices import cluster
from pixelrnn_tf.training import journal, report
from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training.stop_signals import StopRequest
from tests.support.training_runs import QUICK, assert_same_state, opened, state, tiny_config
from tests.support.workers import ROOT, ends, flags_of, start_workers, wait_for

KILLED_IN_STEP_20 = """
import os, pathlib, signal, sys
from tests.support.training_runs import tiny_config
from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training.trainer import Trainer
original = Trainer._votes
def killed(self, stop):
    if self.queue.started == 19:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, stop)
Trainer._votes = killed
training_run.train(tiny_config(checkpoint_every=17, jit_compile="auto"), pathlib.Path(sys.argv[1]))
"""
STRAIGHT = tiny_config(model=QUICK)


def steps_in(workdir):
    return sorted(int(path.name.removeprefix("step-")) for path in (workdir / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The state of a run of 30 steps without interruption."""
    workdir = tmp_path_factory.mktemp("straight")
    training_run.train(STRAIGHT, workdir)
    return opened(STRAIGHT, workdir)


def test_a_run_that_was_killed_goes_on_bit_for_bit(tmp_path):
    run, straight, workdir = tiny_config(jit_compile="auto"), tmp_path / "straight", tmp_path / "killed"
    training_run.train(run, straight)
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_STEP_20, str(workdir)], cwd=ROOT, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert steps_in(workdir) == [10, 17]
    training_run.train(run, workdir)
    assert_same_state(opened(run, workdir), opened(run, straight))


@pytest.mark.parametrize("damage", ["truncated", "changed", "no manifest", "half a manifest", "a file is missing"])
def test_a_damaged_checkpoint_is_passed_over(damage, straight, tmp_path, capsys):
    shutil.copytree(straight.workdir, tmp_path, dirs_exist_ok=True)
    newest = tmp_path / "checkpoints" / "step-00000030"
    data, manifest = newest / "state.data-00000-of-00001", newest / "manifest.json"
    if damage == "truncated":
        data.write_bytes(data.read_bytes()[:1000])
    elif damage == "changed":
        data.write_bytes(bytes([data.read_bytes()[0] ^ 1]) + data.read_bytes()[1:])
    elif damage == "half a manifest":
        manifest.write_text(manifest.read_text()[:100])
    else:
        (manifest if damage == "no manifest" else data).unlink()
    again = opened(STRAIGHT, tmp_path)
    printed = capsys.readouterr().out
    assert f"Warning: The checkpoint {newest} is broken" in printed
    assert "Resuming from step 20" in printed
    if damage == "truncated":
        assert "has 1000 bytes instead of" in printed
        again.run(StopRequest())
        assert steps_in(tmp_path) == [20, 30]
        assert_same_state(opened(STRAIGHT, tmp_path), straight)


def test_a_run_does_not_start_anew_when_all_its_checkpoints_are_damaged(straight, tmp_path):
    shutil.copytree(straight.workdir, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "checkpoints").glob("*/state.index"):
        path.write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"No checkpoint in .* can be used\. .* delete that folder to train from scratch"
    ):
        opened(STRAIGHT, tmp_path)


@pytest.mark.parametrize("first_file", ["curve", "checkpoint"])
def test_a_full_disk_is_named_and_leaves_earlier_files_whole(first_file, straight, tmp_path):
    shutil.copytree(straight.workdir, tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    # No file may grow beyond 8 KiB: what a disk without space does to the files of a checkpoint.
    limited = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); sys.argv[0] = 'train'; "
        "runpy.run_module('trainers.train', run_name='__main__')"
    )
    command = [sys.executable, "-c", limited, *flags_of(tmp_path, "--block=pixel_cnn", "--steps=40")]
    command += ["--eval_every=40"] if first_file == "curve" else ["--eval_every=1000", "--checkpoint_every=35"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    cause = "File too large" + (", at the checkpoint of step 35" if first_file == "checkpoint" else "")
    assert f"Error: Cannot write to {tmp_path}: {cause}. Earlier files are intact" in done.stderr
    kept = [path for path in before if "checkpoints" in path.parts or path.name in ("model.keras", "model.json")]
    assert all(path.read_bytes() == before[path] for path in kept)
    assert not [path for path in tmp_path.rglob(".*") if path.exists()], "nothing half-written is left"


def test_a_card_that_does_not_fit_leaves_the_earlier_model_with_its_card(straight, tmp_path, monkeypatch):
    shutil.copytree(straight.workdir, tmp_path, dirs_exist_ok=True)
    before = [(tmp_path / name).read_bytes() for name in ("model.keras", "model.json")]
    trainer = opened(tiny_config(model=QUICK, steps=40), tmp_path)
    trainer.progress.best = 1e9

    def fails(path, value):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write_json", fails)
    with pytest.raises(OSError, match="No space left"):
        trainer.evaluate()
    assert [(tmp_path / name).read_bytes() for name in ("model.keras", "model.json")] == before


@pytest.mark.parametrize("written", ["the first event", "scalars"])
def test_a_full_disk_is_not_called_too_little_memory(written, tmp_path, monkeypatch):
    full = (
        "{{function_node __wrapped__WriteSummary}} /w/tensorboard/events.out.tfevents.1.v2; No space left on device\n"
        "\tFailed to flush 11 events [Op:WriteSummary] name:"
    )

    def fails(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, full)

    monkeypatch.setattr(tf.summary, "scalar" if written == "scalars" else "create_file_writer", fails)
    with (
        pytest.raises(OSError, match=rf"^Cannot write to {tmp_path}: No space left on device, at the events of Tensor"),
        training_run._in_plain_words(tmp_path, SimpleNamespace(cluster_resolver=None)),
    ):
        journal.Journal(tmp_path, 0, chief=True)._record(journal.Progress(), {"loss": 1.0})


def test_events_that_do_not_fit_are_named(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        with pytest.raises(OSError, match="File too large, at the events of TensorBoard"):
            journal.Journal(tmp_path, 0, chief=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_signal_to_one_of_two_workers_stops_both_and_nothing_is_lost(tmp_path):
    first = start_workers(tmp_path / "two", "--steps=1000000", "--eval_every=1000000", "--optimizer=sgd")
    wait_for(first[0], "images/s")
    first[1].send_signal(signal.SIGTERM)
    outputs = ends(*first)
    assert [code for code, *_ in outputs] == [0, 0], outputs
    stopped = [int(out.split("Stopped at step ")[1].split(";")[0]) for _, out, _ in outputs]
    assert stopped[0] == stopped[1] == steps_in(tmp_path / "two")[-1]

    total = stopped[0] + 3
    second = start_workers(tmp_path / "two", f"--steps={total}", "--eval_every=1000000", "--optimizer=sgd")
    (code, out, error), (other_code, other_out, _) = ends(*second)
    assert code == other_code == 0, error
    assert f"Resuming from step {stopped[0]} of" in out
    assert "strategy multi_worker, 2 CPU replicas" in out
    assert other_out == "", "the chief speaks for all"
    assert not list(tmp_path.glob("two/.*"))

    run = tiny_config(steps=total, eval_every=1000000, optimizer="sgd", jit_compile="auto")
    scores = training_run.train(run, tmp_path / "one")
    card = json.loads((tmp_path / "two" / "model.json").read_text())
    for split, score in scores.items():
        assert card["scores"][split]["nats_per_image"] == pytest.approx(score.nats_per_image, rel=1e-6)
        assert card["scores"][split]["images"] == 180
    one, two = (opened(run, tmp_path / name) for name in ("one", "two"))
    for a, b in zip(state(one), state(two), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_workers_go_on_after_one_of_them_was_killed(tmp_path):
    flags = ("--eval_every=20", "--checkpoint_every=5")
    first = start_workers(tmp_path, "--steps=1000000", *flags)
    wait_for(first[0], "step 20: validation")
    first[1].kill()
    (code, _, error), _ = ends(*first)
    assert code == 1
    assert "Error: Another worker is lost" in error
    assert "they resume from the last checkpoint" in error
    last = steps_in(tmp_path)[-1]
    assert last >= 20
    (code, out, error), (other, *_) = ends(*start_workers(tmp_path, f"--steps={last + 5}", *flags, by_environment=True))
    assert code == other == 0, error
    assert f"Resuming from step {last} of" in out
    assert steps_in(tmp_path)[-1] == last + 5


@pytest.mark.parametrize(
    ("kind", "message", "lost"),
    [
        (tf.errors.UnavailableError, "failed to connect to all addresses", True),
        (tf.errors.AbortedError, "Collective ops is aborted", True),
        (tf.errors.InternalError, "Recv: Connection reset by peer", True),
        (tf.errors.InternalError, "Blas GEMM launch failed", False),
        (tf.errors.ResourceExhaustedError, "OOM when allocating tensor", False),
        (tf.errors.InvalidArgumentError, "Incompatible shapes", False),
        (tf.errors.DataLossError, "truncated record", False),
    ],
)
def test_only_a_lost_worker_is_called_one(kind, message, lost):
    assert cluster.tells_of_lost_worker(kind(None, None, message)) == lost
    strategy = SimpleNamespace(cluster_resolver=object())
    if kind is tf.errors.ResourceExhaustedError:
        expected = pytest.raises(MemoryError, match=r"out of memory: OOM .* smaller --batch_size")
    elif lost:
        expected = pytest.raises(ConnectionError, match=f"Another worker is lost: {message}")
    else:
        expected = pytest.raises(kind, match=message)
    with expected, training_run._in_plain_words(pathlib.Path("w"), strategy):
        raise kind(None, None, message)


def test_a_worker_that_does_not_come_is_named_after_the_stated_time():
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=rf"Could not reach worker 1 at {addresses[1]} within 0.6 seconds"):
        cluster.wait_for_workers(addresses, 0, timeout=0.6)
    assert 0.6 < time.monotonic() - begin < 30
    with (
        cluster._listener(addresses[1], int(addresses[1].split(":")[1])),
        pytest.raises(OSError, match=f"Cannot listen at {addresses[1]}, .* Another process may use the port"),
    ):
        cluster.wait_for_workers(addresses, 1, timeout=0.6)
