"""A preset is compared with its metadata, and what differs is found."""

import json
import shutil

import pytest
from PIL import Image

from pixelrnn_tf import zoo
from pixelrnn_tf.programs.verifying import verify
from trainers import verify as program

PRESET = "digits_row_lstm"


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(zoo.DIRECTORY / PRESET, tmp_path / "copy")


def change(directory, edit):
    path = directory / "metadata.json"
    metadata = json.loads(path.read_text())
    edit(metadata)
    path.write_text(json.dumps(metadata))


@pytest.mark.parametrize("preset", [PRESET, "digits_diagonal_bilstm_classes"])
def test_a_shipped_preset_passes(preset):
    found = {finding.subject: finding for finding in verify(preset)}
    assert list(found) == ["parameters", "validation", "test", "samples.png"]
    assert all(finding.passed for finding in found.values()), list(map(str, found.values()))
    assert "over 180 images" in found["test"].text


def test_what_differs_is_found(copy, capsys):
    def edit(metadata):
        metadata["parameters"] += 1
        metadata["check"]["nats_per_image"] += 0.01

    change(copy, edit)
    picture = Image.open(copy / "samples.png").convert("L")
    picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(copy / "samples.png")
    with pytest.raises(SystemExit, match="not what its metadata describes"):
        program.main(program.Options(model=(str(copy),), quick=True))
    out = capsys.readouterr().out
    assert out.count("DIFFERS") == 3
    assert "samples.png: DIFFERS" in out


def test_images_that_are_not_there_are_skipped(copy, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    change(copy, lambda metadata: metadata["data"]["config"].update(name="folder:none"))
    found = {finding.subject: finding for finding in verify(copy, quick=True)}
    assert found["test"].passed is None
    assert "not available" in str(found["test"])


def test_a_preset_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no preset 'unknown'"):
        list(verify("unknown"))
