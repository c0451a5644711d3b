"""What a run that starts from the weights of another keeps of it."""

import dataclasses
import json
import shutil

import pytest

from pixelrnn_tf.models import preset_files
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.programs import publishing
from pixelrnn_tf.training import run
from pixelrnn_tf.zoo import DIRECTORY
from tests.support.training_runs import QUICK, tiny_config


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run, and one that starts from its weights."""
    folder = tmp_path_factory.mktemp("runs")
    config = tiny_config(model=QUICK, steps=2, eval_every=2, eval_images=0)
    run.train(config, folder / "first")
    second = dataclasses.replace(config, init_from=str(folder / "first" / "model.keras"))
    run.train(second, folder / "second")
    return folder, second


def test_a_run_keeps_the_digest_of_what_it_started_from(runs):
    folder, config = runs
    digest = preset_files.weights_digest(load_model(folder / "first" / "model.keras"))
    for name in ("config.json", "model.json"):
        noted = json.loads((folder / "second" / name).read_text())["started_from"]
        assert noted["weights_sha256"] == digest
        (stage,) = noted["stages"]
        assert (stage["name"], stage["weights_sha256"], stage["batch_size"]) == ("first", digest, config.batch_size)
        assert stage["steps"] == 2
        assert [point["step"] for point in stage["curve"]] == [0, 2]
        assert stage["curve"][1]["nats_per_image"] == stage["scores"]["validation"]["nats_per_image"]
        assert stage["command"].endswith("--workdir=runs/first")
    assert f"SHA-256 {digest[:16]}" in (folder / "second" / "report.md").read_text()
    assert "started_from" not in json.loads((folder / "first" / "model.json").read_text())


@pytest.mark.slow
def test_a_run_goes_on_without_the_weights_that_it_started_from(runs):
    folder, config = runs
    noted = json.loads((folder / "second" / "model.json").read_text())["started_from"]
    shutil.move(folder / "first", folder / "moved")
    run.train(dataclasses.replace(config, steps=3), folder / "second")
    shutil.move(folder / "moved", folder / "first")
    assert json.loads((folder / "second" / "model.json").read_text())["started_from"] == noted


def test_publish_names_every_stage_and_does_not_replace_the_first(runs, tmp_path, monkeypatch):
    folder, _ = runs
    times = dict.fromkeys(("images", "draw_over_score", "draw_over_score_xla", "rounds", "sub_pixels"), 1)
    speed = {**times, "processor": ""}
    monkeypatch.setattr(publishing, "_speed", lambda *_: speed)
    monkeypatch.setattr(publishing, "_draw", lambda *_: None)
    words = {"description": "A network.", "commit": "abc"}
    first = publishing.publish(folder / "first", "small", tmp_path, **words)
    with pytest.raises(ValueError, match=r"started from .*small, which it would replace: .*another --name"):
        publishing.publish(folder / "second", "small", tmp_path, **words)
    second = publishing.publish(folder / "second", "smaller", tmp_path, **words)
    assert str(folder) not in "".join(path.read_text() for path in (second / "README.md", second / "metadata.json"))
    assert "Training started from the weights of `runs/first/model.keras`" in (second / "README.md").read_text()
    digest = preset_files.read_metadata(first)["weights_sha256"]
    training = preset_files.read_metadata(second)["training"]
    assert training["started_from"]["weights_sha256"] == digest
    card = (second / "README.md").read_text()
    assert "| first | 2 of 16 images | " in card or "| first | " in card
    assert digest in card


@pytest.mark.parametrize("name", ["../x", "", ".x", "a/b", "x" * 101, "/x"])
def test_a_preset_stays_in_its_folder(tmp_path, name):
    with pytest.raises(ValueError, match="--name must consist of at most 100 letters"):
        publishing.publish(tmp_path, name, tmp_path)


def test_no_shipped_preset_starts_from_itself():
    for path in sorted(DIRECTORY.glob("*/metadata.json")):
        metadata = json.loads(path.read_text())
        assert f"--init_from={metadata['name']}" not in metadata["training"]["command"].replace("\\", " ").split()
        started = metadata["training"].get("started_from")
        if started:
            assert started["weights_sha256"] != metadata["weights_sha256"]
            assert started["stages"][-1]["weights_sha256"] == started["weights_sha256"]
    assert json.loads((DIRECTORY / "mnist_row_lstm_7x16" / "metadata.json").read_text())["training"]["started_from"]


def test_a_stage_that_was_stopped_by_hand_says_how_many_images_it_scored():
    cards = {
        name: (DIRECTORY / name / "README.md").read_text()
        for name in ("mnist_diagonal_bilstm_7x24", "mnist_row_lstm_7x16")
    }
    assert "| 26,000 of 16 images | 80.14 of the first 2,000 images |" in cards["mnist_diagonal_bilstm_7x24"]
    assert "| 50,000 of 16 images | 81.81, 81.39 |" in cards["mnist_row_lstm_7x16"]
