"""The benchmark of several cores: that each process has the cores it is said to have, and the figures are right."""

import pytest

from benchmarks import scaling
from pixelrnn_tf.models import PixelRNN
from tests.support.training_runs import TINY

ARGUMENTS = {"image_shape": (4, 4, 1), "levels": 2, **TINY}


def test_every_variant_has_two_cores_but_the_yardstick():
    found = scaling.variants([3, 5], [1001, 1002])
    assert [(variant.cores, len(variant.processes)) for variant in found] == [(1, 1), (2, 1), (2, 1), (2, 2)]
    assert [cores for cores, _ in found[3].processes] == [[3], [5]]
    assert [fields["task_index"] for _, fields in found[3].processes] == [0, 1]


def test_efficiency_is_beside_one_core(monkeypatch, capsys):
    monkeypatch.setattr(scaling.os, "sched_getaffinity", lambda _: {0, 1, 2})
    seconds = [2.0, 2.5, 4.0, 2.0]
    monkeypatch.setattr(scaling, "time_variants", lambda of, *_: list(zip(of, seconds, strict=True)))
    result = scaling.run(rounds=1, steps=10)
    assert [row["images_per_second"] for row in result["rows"]] == [40.0, 64.0, 40.0, 80.0]
    assert [row["efficiency"] for row in result["rows"]] == [1.0, 0.8, 0.5, 1.0]
    assert "two workers              2      80.0     100.0%" in capsys.readouterr().out


def test_all_gradients_the_loss_and_two_votes_are_summed():
    assert scaling.all_reduced_bytes(ARGUMENTS) == 4 * (PixelRNN(**ARGUMENTS).count_params() + 3)


def test_one_core_is_too_few(monkeypatch):
    monkeypatch.setattr(scaling.os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(ValueError, match="needs two cores to pin processes to; this process has 1"):
        scaling.run(1)


@pytest.mark.slow
def test_every_variant_trains():
    timed = scaling.time_variants(scaling.variants([0, 1], scaling.free_ports(2)), ARGUMENTS, rounds=1, steps=2)
    assert all(0 < seconds < 60 for _, seconds in timed)


@pytest.mark.slow
def test_a_process_that_fails_is_told():
    broken = scaling.Variant("broken", [([0], {"strategy": "mirrored", "num_devices": 2})])
    with pytest.raises(RuntimeError, match="A timed process has ended"):
        scaling.time_variants([broken], ARGUMENTS, rounds=1, steps=1)
