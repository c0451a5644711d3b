"""Presets as directories: what is written is read again, and what is damaged or does not fit is refused."""

import json
import pathlib
import shutil
import time

import h5py
import keras
import numpy as np
import pytest

from pixelrnn_tf import zoo
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import PRESETS, ImageModel, MultiScalePixelRNN, PixelRNN, preset_files
from tests.support.networks import BLOCK_NAMES, make_network, random_images


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("presets") / "small"
    model = make_network("row_lstm", (5, 6, 1))
    model.save_to_preset(directory, {"data": {"name": "none"}}, "# A small network\n")
    return model, directory


@pytest.fixture
def copy(preset, tmp_path):
    return shutil.copytree(preset[1], tmp_path / "copy")


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_a_preset_is_read_as_it_was_written(block, tmp_path):
    model = make_network(block, (4, 5, 3), condition_features=2)
    model.save_to_preset(tmp_path / "preset")
    loaded = PixelRNN.from_preset(tmp_path / "preset")
    inputs = [random_images(model, 2), np.ones((2, 4, 5, 2), "float32")]
    assert np.array_equal(loaded(inputs), model(inputs))
    assert {path.name for path in (tmp_path / "preset").iterdir()} == {
        "config.json",
        "model.weights.h5",
        "metadata.json",
        "README.md",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def test_weights_are_compressed_and_keras_reads_them(tmp_path):
    model = make_network("pixel_cnn", (5, 6, 1), hidden=16, num_blocks=4)
    model.save_weights(tmp_path / "plain.weights.h5")
    model.save_to_preset(tmp_path / "preset")
    compressed = tmp_path / "preset" / "model.weights.h5"
    assert compressed.stat().st_size < 0.8 * (tmp_path / "plain.weights.h5").stat().st_size
    other = PixelRNN.from_preset(tmp_path / "preset", load_weights=False)
    assert preset_files.weights_digest(other) != preset_files.weights_digest(model)
    other.load_weights(compressed)
    assert preset_files.weights_digest(other) == preset_files.weights_digest(model)


def test_metadata_has_what_was_given_and_what_is_known(preset):
    model, directory = preset
    metadata = json.loads((directory / "metadata.json").read_text())
    assert metadata["parameters"] == model.count_params()
    assert metadata["data"] == {"name": "none"}
    assert metadata["keras_version"] == keras.__version__
    assert metadata["weights_sha256"] == preset_files.weights_digest(model)
    assert (directory / "README.md").read_text() == "# A small network\n"


def test_the_digest_is_of_values_names_and_shapes(preset):
    model, directory = preset
    other = PixelRNN.from_preset(directory, name="of_another_name")
    assert preset_files.weights_digest(other) == preset_files.weights_digest(model)
    weight = other.weights[0]
    values = weight.numpy()
    values.flat[-1] = np.nextafter(values.flat[-1], 2, dtype="float32")
    weight.assign(values)
    assert preset_files.weights_digest(other) != preset_files.weights_digest(model)


def test_untrained_if_asked_for(preset):
    model, directory = preset
    untrained = PixelRNN.from_preset(directory, load_weights=False, hidden=7)
    assert untrained.hidden == 7
    assert untrained.num_blocks == model.num_blocks


@pytest.mark.parametrize("overrides", [{"hidden": 7}, {"levels": 5}, {"residual": False}, {"image_shape": (5, 6, 3)}])
def test_an_override_that_does_not_fit_the_weights_is_named(preset, overrides):
    with pytest.raises(ValueError, match=f"^{next(iter(overrides))}=.*load_weights=False"):
        PixelRNN.from_preset(preset[1], **overrides)


def test_another_size_of_image_and_precision_fit_the_weights(preset):
    model, directory = preset
    larger = PixelRNN.from_preset(directory, image_shape=(9, 8, 1), dtype="float64")
    assert larger(np.zeros((1, 9, 8, 1))).shape == (1, 9, 8, 1, model.levels)
    assert np.array_equal(larger.get_weights()[0], model.get_weights()[0])
    assert PixelRNN.from_preset(directory, dtype="bfloat16").stem.kernel.dtype == "bfloat16"


def test_a_preset_without_weights_says_so(tmp_path, copy):
    with pytest.raises(ValueError, match="'imagenet32_row_lstm' has no weights: pass load_weights=False"):
        PixelRNN.from_preset("imagenet32_row_lstm")
    with pytest.raises(ValueError, match="There is no preset 'no_such'"):
        PixelRNN.from_preset("no_such", load_weights=False)
    (copy / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match=r"There is no .*model\.weights\.h5: pass load_weights=False"):
        PixelRNN.from_preset(copy)


def test_changed_weights_are_refused(copy):
    with h5py.File(copy / "model.weights.h5", "r+") as file:
        name = next(name for name in _datasets(file) if file[name].size)
        values = file[name][...]
        values.flat[0] += 1e-3
        file[name][...] = values
    with pytest.raises(ValueError, match=r"model\.weights\.h5 do not match the SHA-256 in their metadata\.json"):
        PixelRNN.from_preset(copy)


def _datasets(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_byte_is_never_a_silent_change(preset, copy, seed):
    """A flip may hit bytes that mean nothing; where it means something it is an error of one line."""
    path = copy / "model.weights.h5"
    data = bytearray(path.read_bytes())
    data[np.random.default_rng(seed).integers(len(data))] ^= 0x10
    path.write_bytes(data)
    try:
        weights, message = PixelRNN.from_preset(copy).get_weights(), None
    except ValueError as error:
        message = str(error)
    if message is None:
        assert all(np.array_equal(a, b) for a, b in zip(weights, preset[0].get_weights(), strict=True))
    else:
        assert "model.weights.h5" in message
        assert "\n" not in message


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", "config.json is not a JSON file"),
        ("config.json", "[]", "config.json does not hold a JSON object"),
        ("config.json", "{}", "config.json does not hold a serialized model"),
        ("metadata.json", "{}", "metadata.json has the format None; this version of pixelrnn_tf reads 1"),
        ("metadata.json", '{"format": 2}', "has the format 2"),
    ],
)
def test_damaged_files_are_named(copy, file, content, message):
    (copy / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        PixelRNN.from_preset(copy)


@pytest.mark.parametrize("name", ["to_my_mother.txt", "config.json"])
def test_nothing_else_is_replaced(name, tmp_path, preset):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / name).write_text("{}")  # The folder of a run has a config.json too.
    with pytest.raises(ValueError, match="exists and is not a preset"):
        preset[0].save_to_preset(tmp_path / "letters")
    assert [path.name for path in (tmp_path / "letters").iterdir()] == [name]


def test_a_preset_that_a_file_manager_has_shown_is_replaced(preset, copy):
    (copy / ".DS_Store").write_text("the Finder's")
    preset[0].save_to_preset(copy)
    assert not (copy / ".DS_Store").exists()


def test_a_preset_with_files_of_the_user_is_not_replaced(preset, copy):
    (copy / "notes.txt").write_text("mine")
    (copy / "samples").mkdir()
    before = {path.name for path in copy.iterdir()}
    with pytest.raises(
        ValueError, match=r"holds files that do not belong to a preset: notes\.txt, samples\. Replacing"
    ):
        preset[0].save_to_preset(copy, card="# New\n")
    assert {path.name for path in copy.iterdir()} == before
    assert (copy / "README.md").read_text() == "# A small network\n"


def test_a_network_that_is_not_finite_is_no_preset(tmp_path):
    model = make_network("pixel_cnn")
    model.head.logits.bias.assign(np.full(4, np.nan))
    with pytest.raises(ValueError, match="not finite"):
        model.save_to_preset(tmp_path / "preset")
    assert not any(tmp_path.iterdir())


def test_what_is_shipped_is_the_network_of_its_name():
    for name in set(zoo.shipped_presets()) & set(PRESETS):
        config = preset_files.read_config(zoo.DIRECTORY / name)["config"]
        expected = PRESETS[name].arguments
        assert {key: _plain(config[key]) for key in expected} == {key: _plain(value) for key, value in expected.items()}


def test_every_preset_that_is_taken_is_listed():
    scaled = {"mnist_row_lstm_scales"}
    assert set(PixelRNN.presets) == (set(PRESETS) | set(zoo.shipped_presets())) - scaled
    assert set(MultiScalePixelRNN.presets) == scaled
    assert set(ImageModel.presets) == set(PixelRNN.presets) | scaled
    for cls in (PixelRNN, MultiScalePixelRNN):
        for name, preset in cls.presets.items():
            assert preset.has_weights == (name in zoo.shipped_presets()) == (preset.score is not None)
            assert preset.description.endswith(".")
            assert preset.data
    best = PixelRNN.presets["mnist_row_lstm_7x16"]
    assert str(best.score) == "81.19 nats per image on binarized MNIST (fixed binarization), test"
    assert str(PixelRNN.presets["cifar10_small"].score).startswith("3.93 bits/dim")
    classes = PixelRNN.presets["digits_diagonal_bilstm_classes"]
    model = PixelRNN.from_preset("digits_diagonal_bilstm_classes")
    assert classes.parameters == model.count_params() == PixelRNN(**classes.arguments).count_params()
    with pytest.raises(ValueError, match=r"no preset 'mnist_pixel_cnn'\. The presets are: .*mnist_pixel_cnn_15x16"):
        PixelRNN.from_preset("mnist_pixel_cnn")


def test_overrides_that_change_nothing_are_accepted(tmp_path):
    model = PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=LabelEmbedding(3, 2))
    model.save_to_preset(tmp_path / "preset")
    same = {"conditioner": LabelEmbedding(3, 2), "image_shape": [3, 3, 1], "levels": 2}
    assert np.array_equal(PixelRNN.from_preset(tmp_path / "preset", **same).get_weights()[0], model.get_weights()[0])
    with pytest.raises(ValueError, match=r"^conditioner="):
        PixelRNN.from_preset(tmp_path / "preset", conditioner=LabelEmbedding(4, 2))


@pytest.mark.parametrize("change", [{"hidden": 20_000}, {"num_blocks": 1000, "hidden": 1}])
def test_a_configuration_asks_for_no_more_than_the_weights_hold(copy, change):
    config = json.loads((copy / "config.json").read_text())
    config["config"] |= change
    (copy / "config.json").write_text(json.dumps(config))
    started = time.process_time()
    with pytest.raises(ValueError, match=r"describes a network of .* parameters and .* has only .* bytes"):
        PixelRNN.from_preset(copy)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "change", [{"hidden": None}, {"hidden": [4]}, {"no_such": 1}, {"conditioner": 3}, {"image_shape": 5}, {"block": {}}]
)
def test_wrong_types_in_a_configuration_are_one_error(copy, change):
    config = json.loads((copy / "config.json").read_text())
    config["config"] |= change
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"holds no valid arguments|must be|must have|Unrecognized keyword"):
        PixelRNN.from_preset(copy)


def test_a_conditioner_of_a_file_is_not_built_before_its_size_is_checked():
    config = PixelRNN((3, 3, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=LabelEmbedding(3, 2)).get_config()
    config["conditioner"]["config"]["num_classes"] = 2**31
    config["conditioner"]["build_config"] = {"condition_shape": [None]}
    with pytest.raises(ValueError, match="at most 2,147,483,648 are allowed"):
        PixelRNN.from_config(config)


def test_nested_json_is_an_error_of_one_line(copy):
    (copy / "config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="is not a JSON file"):
        PixelRNN.from_preset(copy)


def test_the_folder_of_a_run_hides_no_shipped_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits_pixel_cnn").mkdir()
    (tmp_path / "digits_pixel_cnn" / "config.json").write_text("{}")
    assert zoo.find_preset("digits_pixel_cnn") == zoo.DIRECTORY / "digits_pixel_cnn"


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_preset_is_replaced(preset, copy, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(preset_files, "_exchange", lambda *_: False)
    renamed = []
    rename = pathlib.Path.rename
    monkeypatch.setattr(pathlib.Path, "rename", lambda *paths: renamed.append(paths) or rename(*paths))
    (copy / "samples.png").write_text("old")
    preset[0].save_to_preset(copy, card="# New\n")
    assert (copy / "README.md").read_text() == "# New\n"
    assert not (copy / "samples.png").exists()
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]
    assert len(renamed) == (0 if exchanges else 2), "there is a preset at its path at any time"


def test_weights_are_written_to_memory_first(preset, tmp_path, monkeypatch):
    monkeypatch.setattr(h5py.h5f, "create", _only_in_memory(h5py.h5f.create))
    preset[0].save_to_preset(tmp_path / "preset")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        preset[0].save_to_preset(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def _only_in_memory(create):
    def checked(name, *arguments, **options):
        assert not pathlib.Path(name.decode()).parent.name, "HDF5 writes to a disk, where it crashes when that is full"
        return create(name, *arguments, **options)

    return checked


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def test_an_argument_that_is_newer_than_the_preset_may_be_given_at_its_default():
    assert PixelRNN.from_preset("digits_row_lstm", inputs="levels").inputs_name == "levels"
    with pytest.raises(ValueError, match="inputs='codes' defines another network"):
        PixelRNN.from_preset("digits_row_lstm", inputs="codes")
