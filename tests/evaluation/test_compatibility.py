"""Data and a model that mean the same classes, or are refused."""

import dataclasses
import json

import numpy as np
import pytest

from pixelrnn_tf.data import ImageData, Split
from pixelrnn_tf.evaluation.compatibility import UNNAMED, fit_data
from pixelrnn_tf.evaluation.scoring import Classification, Evaluator
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import log_prob
from pixelrnn_tf.models.classification import find_class
from pixelrnn_tf.training.initialization import start_from
from tests.support.networks import make_network


def data_of_classes(*names, name="pets"):
    labels = np.resize(np.arange(len(names)), 12).astype("int32")
    images = np.random.RandomState(0).randint(0, 4, (12, 3, 4, 1)).astype("uint8")
    return ImageData(name, (3, 4, 1), 4, "none", {"train": Split.of_array("all", images, labels)}, classes=names)


def network(*names, number=3, **arguments):
    embedding = LabelEmbedding(number, 4, class_names=names or None)
    return make_network("pixel_cnn", (3, 4, 1), levels=4, num_blocks=1, conditioner=embedding, scale=1.0, **arguments)


def test_the_labels_of_the_data_become_those_of_the_model():
    model, data = network("dog", "eel", "cat"), data_of_classes("cat", "dog", "eel")
    matched = fit_data(model, data)
    assert matched.classes == ("dog", "eel", "cat")
    images, labels = data.first("train")
    right = -np.array(log_prob(model, images, np.array([2, 0, 1], "int32")[labels]))
    assert Evaluator(model).score(data, "train").nats_per_image == pytest.approx(right.mean(), rel=1e-5)
    wrong = -np.array(log_prob(model, images, labels))
    assert abs(right.mean() - wrong.mean()) > 0.01, "labels that change nothing prove nothing"
    fewer = fit_data(model, data_of_classes("cat", "dog"))
    assert set(fewer.first("train")[1]) == {2, 0}
    with pytest.raises(
        ValueError, match=r"'zero', which the model does not know.*data: zero, one\..*model: dog, eel, cat"
    ):
        fit_data(model, data_of_classes("zero", "one"))


def test_a_model_without_names_takes_as_many_classes_with_a_note():
    model, data = network(), data_of_classes("b", "c", "a")
    matched = fit_data(model, data)
    assert matched.classes == ("b", "c", "a")
    assert UNNAMED in matched.describe()
    assert fit_data(model, matched).notes == matched.notes
    with pytest.raises(ValueError, match="The model takes 3 classes, but pets was loaded with 2"):
        fit_data(model, data_of_classes("a", "b"))
    # Earlier versions, of which such a model is, sorted the folders alphabetically.
    numbered = fit_data(model, data_of_classes("1", "2", "10", name="folder:x"))
    assert numbered.classes == ("1", "10", "2")


@pytest.mark.parametrize(
    ("names", "given", "label"),
    [(("cat", "dog", "eel"), "dog", 1), (("2", "10", "11"), "10", 1), (("2", "10", "11"), 11, 2), ((), "2", 2)],
)
def test_a_class_is_found_by_its_name(names, given, label):
    assert find_class(network(*names), given) == label


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (("cat", "dog", "eel"), "1", "takes the classes cat, dog, eel; got --label=1"),
        (("2", "10", "11"), 1, "takes the classes 2, 10, 11; got --label=1"),
        ((), "3", "takes labels from 0 to 2, got --label=3"),
        ((), "cat", "takes labels from 0 to 2, got --label=cat"),
    ],
)
def test_what_is_no_class_is_named(names, given, message):
    with pytest.raises(ValueError, match=message):
        find_class(network(*names), given)


def test_a_run_starts_from_the_vectors_of_its_own_classes(tmp_path):
    there, now = network("cat", "dog", "eel"), network("eel", "cat", "dog", seed=1)
    there.save(tmp_path / "there.keras")
    start_from(now, tmp_path / "there.keras")
    images = data_of_classes("a").first("train")[0][:3]
    expected = log_prob(there, images, np.array([0, 1, 2], "int32"))
    np.testing.assert_allclose(log_prob(now, images, np.array([1, 2, 0], "int32")), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="to start from are of the classes cat, dog, eel; the data have a, b, c"):
        start_from(network("a", "b", "c"), tmp_path / "there.keras")
    start_from(network(), tmp_path / "there.keras")


def test_a_label_that_is_worth_less_than_nothing_is_a_warning():
    found = Classification(68.1, 0.1, 0.9, 10, 180)
    assert "WARNING" not in str(found)
    warning = "WARNING: labels do not improve the score: the "
    assert f"{warning}likelihoods of the classes differ too much" in str(dataclasses.replace(found, gain=-5.4))
    unknown = dataclasses.replace(found, gain=-25.6, accuracy=0.1)
    assert f"{warning}model has learned nothing about these classes" in str(unknown)


def test_shipped_models_name_their_classes():
    from pixelrnn_tf.models.loading import load_model

    for name in ("digits_diagonal_bilstm_classes", "mnist_row_lstm_classes"):
        model = load_model(name)
        assert model.class_names == tuple("0123456789")
        assert json.loads(json.dumps(model.get_config()))["conditioner"]["config"]["class_names"] == list("0123456789")


def test_a_model_that_takes_a_map_is_named():
    model = make_network("pixel_cnn", (3, 4, 1), levels=4, num_blocks=1, condition_features=2)
    data = dataclasses.replace(data_of_classes("a"), classes=())
    with pytest.raises(ValueError, match=r"takes a condition of shape \(3, 4, 2\), which data sets do not hold"):
        fit_data(model, data)
