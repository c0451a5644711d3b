"""The times of an export are those of its signatures."""

import json

import pytest

from benchmarks import serving as benchmark
from benchmarks.latencies import Latency
from pixelrnn_tf.serving.saved_model_writer import export_model, size_on_disk
from tests.support.networks import make_network


def test_every_signature_of_the_model_given_is_timed(tmp_path, capsys):
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    folder = export_model(model, tmp_path / "network")
    model.save(tmp_path / "model.keras")
    out = tmp_path / "times.json"
    benchmark.main(benchmark.Options(tmp_path / "model.keras", batch_sizes=(1, 2), repeats=2, out=out))
    times = json.loads(out.read_text())
    assert "without Python" in times["process"]
    rows = [Latency(**row) for row in times["rows"]]
    names = {"logits", *(name + png for name in ("score", "sample", "complete", "surprise") for png in ("", "_png"))}
    assert {(row.signature, row.batch_size) for row in rows} == {(name, size) for name in names for size in (1, 2)}
    assert all(0 < row.median <= row.slowest for row in rows)
    cold = {row.signature: row for row in rows if row.batch_size == 1}
    assert all(row.first > row.median for row in cold.values()), "the first request optimises the graph"
    assert times["size"] == pytest.approx(size_on_disk(folder), rel=0.01)
    printed = capsys.readouterr().out
    assert printed.startswith("pixel_cnn 1x5, (3, 4, 1), 4 levels\n")
    assert all(f"{row.signature:<14} {row.batch_size:5} {1e3 * row.first:9.1f}" in printed for row in rows)
