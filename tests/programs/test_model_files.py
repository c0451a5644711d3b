"""Models and cards that are damaged or of another form."""

import json
import zipfile

import numpy as np
import pytest

from pixelrnn_tf.programs import model_files
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
    with pytest.raises(ValueError, match=r"broken\.keras cannot be loaded as a model \(.*give --model a") as raised:
        model_files.load_model(broken)
    assert "\n" not in str(raised.value)


def test_half_a_file_and_weights_that_are_not_finite_are_named(saved, tmp_path):
    half = tmp_path / "half.keras"
    half.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"half\.keras cannot be loaded as a model .*give --init_from a \.keras file"):
        model_files.load_model(half, "--init_from")
    model = make_network("pixel_cnn")
    model.weights[3].assign(np.full(model.weights[3].shape, np.nan))
    model.save(tmp_path / "nan.keras")
    with pytest.raises(ValueError, match=rf"weights that are not finite, {model.weights[3].path} first"):
        model_files.load_model(tmp_path / "nan.keras")


@pytest.mark.parametrize("content", [[], {}, {"data": 3}, {"data": {"nome": "digits"}}], ids=str)
def test_a_card_of_another_form_is_named(content, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"model\.json does not say what the model was trained on .* Give --data"):
        model_files.trained_on(tmp_path / "model.keras")
