"""Exports that the demo makes once, and the examples in them."""

import os
import time

import numpy as np
import pytest

from pixelrnn_tf import zoo
from pixelrnn_tf.models import preset_files
from pixelrnn_tf.programs import demo_export
from pixelrnn_tf.programs.example_images import EXAMPLES, NUM_EXAMPLES, examples_of, read_strip, write_strip
from tests.support.networks import make_network


@pytest.fixture
def exports(tmp_path, monkeypatch):
    """The exports that were made: none is written."""
    made = []

    def export(model, out, card, examples):
        (out / "1").mkdir(parents=True)
        (out / "1" / "saved_model.pb").touch()
        made.append((out, card, examples))
        return out / "1"

    monkeypatch.setattr(demo_export, "export_model", export)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


def test_a_model_is_exported_once_and_again_when_it_changes(exports, tmp_path):
    path = tmp_path / "runs" / "demo" / "model.keras"
    path.parent.mkdir(parents=True)
    make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1).save(path)
    (path.parent / "model.json").write_text('{"data": {"name": "digits"}}')
    assert demo_export.name_of(path) == "demo"
    first = demo_export.exported(path, "demo")
    assert demo_export.exported(path, "demo") == first
    assert len(exports) == 1
    out, card, examples = exports[0]
    assert (out, card) == (first.parent, {"data": {"name": "digits"}})
    assert examples.shape == (10, 8, 8, 1)
    assert examples.max() == 16, "they are test images of the digits"
    make_network("pixel_cnn", (8, 8, 1), seed=1, levels=17, num_blocks=1).save(path)
    second = demo_export.exported(path, "demo")
    assert second != first
    assert first.exists(), "another process may serve it"
    assert demo_export.exported(second, "demo") == demo_export.exported(second.parent, "demo") == second
    assert len(exports) == 2
    with pytest.raises(ValueError, match="There is no model at nothing"):
        demo_export.exported("nothing", "nothing")


def test_exports_stay_until_they_are_unused_for_long(exports, tmp_path):
    folders = []
    for k, parent in enumerate(("a", "b")):
        path = tmp_path / parent / "run" / "model.keras"
        path.parent.mkdir(parents=True)
        make_network("pixel_cnn", (8, 8, 1), seed=k, levels=17, num_blocks=1).save(path)
        folders.append(demo_export.exported(path, demo_export.name_of(path)))
    # Another process is still writing this one.
    unfinished = demo_export.cache() / f"run-{'0' * 16}" / "run" / ".export-1"
    unfinished.mkdir(parents=True)
    assert demo_export.exported(tmp_path / "a" / "run" / "model.keras", "run") == folders[0]
    assert len(exports) == 2, "models of the same name keep their exports"
    old = time.time() - 31 * 24 * 3600
    for entry in demo_export.cache().iterdir():
        os.utime(entry, (old, old))
    assert demo_export.exported(tmp_path / "a" / "run" / "model.keras", "run") == folders[0]
    assert folders[0].exists()
    assert not folders[1].exists()
    assert not unfinished.exists()


def test_a_start_leaves_the_export_that_another_start_is_writing(exports, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    make_network("pixel_cnn", (8, 8, 1), levels=17, num_blocks=1).save(path)
    export = demo_export.export_model

    def while_another_starts(model, out, card, examples):
        unfinished = out / ".export-1"
        unfinished.mkdir(parents=True)
        monkeypatch.setattr(demo_export, "export_model", export)
        demo_export.exported(path, "run")
        assert unfinished.exists()
        return out / "1"

    monkeypatch.setattr(demo_export, "export_model", while_another_starts)
    assert demo_export.exported(path, "run").name == "1"


def test_names_are_those_of_presets_files_and_exports(tmp_path):
    (tmp_path / "digits" / "3").mkdir(parents=True)
    (tmp_path / "digits" / "3" / "saved_model.pb").touch()
    (tmp_path / "mine.keras").touch()
    assert demo_export.name_of("digits_row_lstm") == "digits_row_lstm"
    assert demo_export.name_of(tmp_path / "mine.keras") == "mine"
    assert demo_export.name_of(tmp_path / "digits") == demo_export.name_of(tmp_path / "digits" / "3") == "digits"


@pytest.mark.parametrize(("channels", "levels"), [(1, 2), (1, 17), (3, 256)])
def test_a_strip_of_examples_keeps_every_level(tmp_path, channels, levels):
    images = np.random.default_rng(0).integers(0, levels, (5, 3, 4, channels)).astype("uint8")
    write_strip(tmp_path / "examples.png", images, levels)
    assert np.array_equal(read_strip(tmp_path / "examples.png", (3, 4, channels), levels), images)
    with pytest.raises(ValueError, match="must hold images of 4x4 side by side"):
        read_strip(tmp_path / "examples.png", (4, 4, channels), levels)


def test_every_preset_has_examples():
    for name in zoo.shipped_presets():
        network = preset_files.read_metadata(zoo.DIRECTORY / name)["network"]
        images = read_strip(zoo.DIRECTORY / name / EXAMPLES, network["image_shape"], network["levels"])
        assert images.shape == (NUM_EXAMPLES, *network["image_shape"]), name
        assert len(np.unique(images, axis=0)) == NUM_EXAMPLES, name
        assert (zoo.DIRECTORY / name / EXAMPLES).stat().st_size < 30_000


def test_a_model_without_its_data_has_no_examples(tmp_path):
    path = tmp_path / "model.keras"
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    path.touch()
    assert examples_of(model, path) is None, "nothing tells what it was trained on"
    for data in ('{"name": "folder:nowhere"}', '{"name": "tfds:nothing"}', '{"name": "digits"}', "3"):
        (tmp_path / "model.json").write_text(f'{{"data": {data}}}')
        assert examples_of(model, path) is None, data


def test_codes_have_no_page(exports, tmp_path):
    make_network("pixel_cnn", (4, 4, 1), levels=9, num_blocks=1, inputs="codes").save(tmp_path / "codes.keras")
    with pytest.raises(ValueError, match="draws codes, which have no picture"):
        demo_export.exported(tmp_path / "codes.keras", "codes")
    assert not exports
