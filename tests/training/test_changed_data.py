"""A folder that changed since a run began is found out, in training that goes on and in evaluation."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_tf.programs import model_files
from pixelrnn_tf.training import workdir
from pixelrnn_tf.training.run import train
from tests.support.training_runs import tiny_config


def write_pictures(folder, numbers):
    folder.mkdir(exist_ok=True)
    for k in numbers:
        pixels = np.random.default_rng(k).integers(0, 256, (4, 4), "uint8")
        Image.fromarray(pixels).save(folder / f"{k}.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on a folder, and the folder."""
    root = tmp_path_factory.mktemp("changed")
    write_pictures(root / "pictures", range(40))
    data = DataConfig(f"folder:{root / 'pictures'}", levels=4, image_size=(4, 4))
    config = tiny_config(data=data, batch_size=8, steps=4, eval_every=4, eval_images=0)
    train(config, root / "run")
    return config, root


def test_what_the_images_were_is_written_down(trained):
    config, root = trained
    fingerprint = config.data.load().fingerprint
    assert set(fingerprint) == {"train", "validation", "test"}
    for name in ("config.json", "model.json"):
        assert json.loads((root / "run" / name).read_text())["fingerprint"] == fingerprint
    assert model_files.data_of(root / "run" / "model.keras", "test").name == config.data.name


def test_a_folder_that_changed_is_refused(trained):
    config, root = trained
    splits = {key: split.size for key, split in config.data.load().splits.items()}
    write_pictures(root / "pictures", range(40, 80))
    assert {key: split.size for key, split in config.data.load().splits.items()} != splits
    with pytest.raises(ValueError, match=r"no longer holds the images of the run in .*run \(train: .* then, .* now"):
        train(dataclasses.replace(config, steps=8), root / "run")
    with pytest.raises(ValueError, match=r"no longer holds the images of the model .*model\.keras \(test: "):
        model_files.data_of(root / "run" / "model.keras", "test")
    for k in range(40, 80):
        (root / "pictures" / f"{k}.png").unlink()
    data = config.data.load()
    assert workdir.checked_data(root / "run", data).fingerprint == data.fingerprint


@pytest.mark.slow
def test_a_folder_that_is_as_it_was_is_trained_on_further(trained):
    config, root = trained
    assert train(dataclasses.replace(config, steps=8), root / "run") is not None


def test_a_run_on_a_folder_that_wrote_nothing_down_was_split_in_another_way(trained, tmp_path):
    config, root = trained
    described = json.loads((root / "run" / "config.json").read_text())
    del described["fingerprint"]
    (tmp_path / "config.json").write_text(json.dumps(described))
    with pytest.raises(ValueError, match=r"comes from a version that split folder:.* differently"):
        train(config, tmp_path)
