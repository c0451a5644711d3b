"""Models and cards that are damaged or of another form."""

import json
import zipfile

import keras
import numpy as np
import pytest

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf import zoo
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import PixelRNN, preset_files
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.programs import model_files
from pixelrnn_tf.training.initialization import network_in, start_from
from tests.support.networks import make_network


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    make_network("pixel_cnn").save(path)
    return path


def with_member(path, out, name, change):
    """A copy of a `.keras` file with one member changed, or left out for None."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.namelist():
            content = change(source.read(member)) if member == name else source.read(member)
            if content is not None:
                target.writestr(member, content)
    return out


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", lambda _: None),
        ("config.json", lambda _: b"{}"),
        ("config.json", lambda _: b"[" * 100_000),
        ("model.weights.h5", lambda content: content[:500]),
    ],
)
def test_a_damaged_model_is_named_in_one_line(name, change, saved, tmp_path):
    broken = with_member(saved, tmp_path / "broken.keras", name, change)
    with pytest.raises(ValueError, match=r"broken\.keras cannot be loaded as a model \(.*set --model to a") as raised:
        load_model(broken)
    assert "\n" not in str(raised.value)


def test_the_folder_of_a_run_is_answered_with_its_model(saved, tmp_path):
    (tmp_path / "model.keras").write_bytes(saved.read_bytes())
    with pytest.raises(ValueError, match=r"is the folder of a run: set --model to .*model\.keras\."):
        load_model(tmp_path)


def test_half_a_file_and_weights_that_are_not_finite_are_named(saved, tmp_path):
    half = tmp_path / "half.keras"
    half.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(
        ValueError, match=r"half\.keras cannot be loaded as a model .*set --init_from to a \.keras file"
    ):
        load_model(half, "--init_from")
    model = make_network("pixel_cnn")
    model.weights[3].assign(np.full(model.weights[3].shape, np.nan))
    model.save(tmp_path / "nan.keras")
    with pytest.raises(ValueError, match=rf"weights that are not finite, such as {model.weights[3].path}"):
        load_model(tmp_path / "nan.keras")


def test_a_preset_is_a_model_by_its_name_and_by_its_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "mnist_diagonal_bilstm_7x16"
    by_name = load_model(name)
    assert (by_name.num_blocks, by_name.hidden) == (7, 16)
    assert preset_files.weights_digest(by_name) == preset_files.read_metadata(zoo.DIRECTORY / name)["weights_sha256"]
    assert model_files.data_config(model_files.card_of(name), name) == DataConfig("tfds:binarized_mnist")
    card = model_files.card_of(name)
    assert (card["preset"], card["steps"], card["binarization"]) == (name, 66_000, "fixed (as shipped)")
    assert f"{card['scores']['test']['nats_per_image']:.2f}" == "79.17"
    by_name.save_to_preset(tmp_path / "mine")
    mine = load_model("mine")
    assert preset_files.weights_digest(mine) == preset_files.weights_digest(by_name)
    with pytest.raises(ValueError, match="The card of mine does not name the training data"):
        model_files.data_config(model_files.card_of("mine"), "mine")


def test_what_is_no_model_names_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"no model at cifar10_pixel_cnn, .* or one of: .*mnist_diagonal_bilstm_7x16"):
        load_model("cifar10_pixel_cnn")


def test_a_run_starts_from_a_preset():
    wanted = load_model("mnist_diagonal_bilstm_7x16")
    arguments = network_in("mnist_diagonal_bilstm_7x16")
    model = PixelRNN((28, 28, 1), 2, **arguments)
    start_from(model, "mnist_diagonal_bilstm_7x16")
    assert preset_files.weights_digest(model) == preset_files.weights_digest(wanted)


def test_a_run_starts_from_a_model_that_was_saved_frozen(tmp_path):
    arguments = {"num_blocks": 1, "hidden": 4, "head_hidden": 4, "conditioner": LabelEmbedding(3, 2)}
    frozen = PixelRNN((4, 4, 1), 2, "pixel_cnn", **arguments)
    frozen.trainable = False
    frozen.save(tmp_path / "frozen.keras")
    model = PixelRNN((4, 4, 1), 2, "pixel_cnn", **{**arguments, "conditioner": LabelEmbedding(3, 2)})
    start_from(model, tmp_path / "frozen.keras")
    assert preset_files.weights_digest(model) == preset_files.weights_digest(frozen)
    assert len(model.trainable_variables) == len(model.weights)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"data": 3},
        {"data": {"nome": "digits"}},
        {"data": {"name": 5}},
        {"data": {"levels": "x"}},
        {"data": {"image_size": 7}},
        {"data": {"value_range": [9, "x"]}},
    ],
    ids=str,
)
def test_a_card_of_another_form_is_named(content, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(content))
    wrong_form = (
        r"model\.json is not the card of a model|does not name the training data .* Pass --data|no .*model\.json"
    )
    with pytest.raises(ValueError, match=wrong_form):
        model_files.data_config(model_files.card_of(tmp_path / "model.keras"), tmp_path / "model.keras")


def test_names_that_are_no_home_and_metadata_of_another_form_are_named(tmp_path):
    with pytest.raises(ValueError, match="There is no model at ~nobody-here/x"):
        load_model("~nobody-here/x")
    for name in ("config.json", "metadata.json", "README.md"):
        (tmp_path / name).write_text("{}")
    for metadata in ({"format": 1, "data": "x"}, {"format": 1, "training": [1]}, [1]):
        (tmp_path / "metadata.json").write_text(json.dumps(metadata))
        with pytest.raises(ValueError, match=r"metadata\.json"):
            model_files.card_of(tmp_path)


def test_a_model_with_an_optimizer_and_a_metric_of_ones_own_is_loaded(tmp_path):
    class Metric(keras.metrics.Mean):
        pass

    class Optimizer(keras.optimizers.SGD):
        pass

    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    model.compile(Optimizer(0.1), metrics=[Metric()], jit_compile=False)
    model.save(tmp_path / "model.keras")
    assert preset_files.weights_digest(load_model(tmp_path / "model.keras")) == preset_files.weights_digest(model)


@pytest.mark.parametrize("kind", [{"output": "logistic_mixture", "mixtures": 3}, {"inputs": "codes"}])
def test_a_run_starts_from_a_model_of_mixtures_or_codes(kind, tmp_path):
    saved = PixelRNN((4, 4, 1), 5, "pixel_cnn", num_blocks=1, hidden=4, head_hidden=4, **kind)
    saved.save(tmp_path / "saved.keras")
    arguments = TrainConfig(model=network_in(tmp_path / "saved.keras")).model
    model = PixelRNN((4, 4, 1), 5, **arguments)
    start_from(model, tmp_path / "saved.keras")
    assert preset_files.weights_digest(model) == preset_files.weights_digest(saved)
