"""Class-conditional models, trained, scored and drawn from."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_tf import data as images
from pixelrnn_tf.devices import strategies as devices
from pixelrnn_tf.evaluation import batched_sampling, scoring
from pixelrnn_tf.models import classify, marginal_log_prob, negative_log_likelihood
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training import workdir as workdirs
from tests.support.picture_folders import write_numbered
from tests.support.training_runs import TINY, opened, tiny_config
from trainers import complete, evaluate, sample

DIGITS = DataConfig(class_conditional=True)
WIDE = {**TINY, "block": "pixel_cnn", "hidden": 8, "condition_features": 5}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run on the digits and their classes."""
    workdir = tmp_path_factory.mktemp("run") / "digits"
    config = tiny_config(
        data=DIGITS, model=WIDE, steps=60, eval_every=60, learning_rate=0.02, num_samples=10, sample_every=60
    )
    return workdir, training_run.train(config, workdir)


def test_a_run_says_what_the_labels_are_worth(run):
    workdir, scores = run
    card = json.loads((workdir / "model.json").read_text())
    assert card["data"]["class_conditional"] is True
    found = card["classification"]["test"]
    assert found["images"] == 180
    assert 0 < found["gain"] <= math.log(10)
    assert found["accuracy"] > 0.3, "three times as good as chance"
    without = found["marginal_nats_per_image"]
    assert without == pytest.approx(scores["test"].nats_per_image + found["gain"], abs=1e-3)
    report = (workdir / "report.md").read_text()
    assert "a label is worth" in report
    assert "LabelEmbedding(features=5, num_classes=10)" in report


def test_the_scores_of_classes_are_those_of_the_model(run):
    model = load_model(run[0] / "model.keras")
    data = DIGITS.load()
    batch = next(data.batches("test", 30).as_numpy_iterator())
    given = [np.full(30, label) for label in range(10)]
    nats = np.stack([negative_log_likelihood(batch["images"], model([batch["images"], label])) for label in given], 1)
    p = np.exp(nats.min(1, keepdims=True) - nats.astype("float64"))
    np.testing.assert_allclose(classify(model, batch["images"]), p / p.sum(1, keepdims=True), atol=1e-4)
    marginal = np.log(p.mean(1)) - nats.min(1)
    np.testing.assert_allclose(marginal_log_prob(model, batch["images"]), marginal, rtol=1e-5)
    found = scoring.Evaluator(model, batch_size=45).classify(data, "test", 30)
    assert found.accuracy == pytest.approx(np.mean(p.argmax(1) == batch["condition"]))
    assert found.marginal_nats_per_image == pytest.approx(-marginal.mean(), rel=1e-5)
    assert found.gain == pytest.approx((-nats[np.arange(30), batch["condition"]] - marginal).mean(), abs=1e-3)


def test_programs_take_labels(run, tmp_path, capsys):
    model = run[0] / "model.keras"
    evaluate.main(evaluate.Options(model=model, data=DataConfig()))
    assert "180 images classified correctly" in capsys.readouterr().out
    sample.main(sample.Options(model=model, out=tmp_path / "all.png", num_images=20))
    sample.main(sample.Options(model=model, out=tmp_path / "three.png", num_images=4, label=3))
    assert "4 images of class 3 at temperature 1" in capsys.readouterr().out
    complete.main(complete.Options(model=model, out=tmp_path / "own.png", num_images=2, num_samples=2))
    complete.main(complete.Options(model=model, out=tmp_path / "as.png", num_images=2, num_samples=2, label=7))
    own, other = (png_files.decode((tmp_path / f"{name}.png").read_bytes(), name, 1) for name in ("own", "as"))
    assert own.shape == other.shape
    assert not np.array_equal(own, other)
    for program in (sample, complete):
        with pytest.raises(ValueError, match=r"The model takes labels from 0 to 9, got --label=10"):
            program.main(program.Options(model=model, out=tmp_path / "none.png", label=10))
    assert not (tmp_path / "none.png").exists()


def test_a_picture_has_a_row_for_each_class(run, monkeypatch, tmp_path):
    model = load_model(run[0] / "model.keras")
    labels = np.arange(20) % 10
    fake = np.broadcast_to(labels[:, None, None, None], (20, 8, 8, 1))
    monkeypatch.setattr(batched_sampling, "draw_images", lambda *_, **__: fake)
    batched_sampling.draw_picture(model, tmp_path / "grid.png", 20, seed=0)
    grid = png_files.decode((tmp_path / "grid.png").read_bytes(), "grid", 1)
    factor = grid.shape[0] // (10 * 9 + 1)
    assert factor > 1
    assert grid[:, : -factor * (2 * 9 + 1)].min() < 100, "the names of the classes"
    grid = grid[:, -factor * (2 * 9 + 1) :]
    shown = grid[::factor, ::factor, 0][1:-1:9, 1:-1:9]
    assert shown.shape == (10, 2)
    assert np.array_equal(images.to_levels(shown, 17), np.stack([np.arange(10)] * 2, axis=1))


def test_images_drawn_do_not_depend_on_how_many_there_are(run):
    model = load_model(run[0] / "model.keras")
    few, many = (batched_sampling.draw_images(model, number, 3, batch_size=7) for number in (4, 9))
    assert np.array_equal(few, many[:4])


def test_two_replicas_equal_one(tmp_path):
    strategy = tf.distribute.MirroredStrategy(
        [device.name for device in tf.config.list_logical_devices("CPU")][:2], tf.distribute.ReductionToOneDevice()
    )
    config = tiny_config(
        data=DIGITS, model=WIDE, batch_size=16, global_clipnorm=0.1, gradient_accumulation_steps=2, jit_compile="false"
    )
    one, two = opened(config, tmp_path / "one"), opened(config, tmp_path / "two", strategy)
    batches = list(one.data.train_batches(16, 0).take(2))
    for number, batch in enumerate(batches):
        loss, norm, updated = (value.numpy() for value in one_update_of(one, batch, number))
        same = [value.numpy() for value in one_update_of(two, batch, number)]
        assert updated
        np.testing.assert_allclose(same[:2], [loss, norm], rtol=1e-5)
    for a, b in zip(one.model.weights, two.model.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def one_update_of(training, batch, number):
    parts = devices.split_batch(training.strategy, batch)
    return training.step.update(parts, tf.constant(number, tf.int64), tf.zeros(2))[:3]


def test_what_does_not_fit_is_refused(run, tmp_path):
    model = run[0] / "model.keras"
    with pytest.raises(ValueError, match="The model takes 10 classes, but digits was loaded with none"):
        scoring.Evaluator(load_model(model)).score(DataConfig().load(), "test")
    with pytest.raises(ValueError, match="--condition_features requires --class_conditional"):
        tiny_config(model=WIDE)
    other = tiny_config(data=DIGITS, model={**WIDE, "condition_features": 6}, init_from=str(model))
    with pytest.raises(ValueError, match=r"another network .*conditioner"):
        opened(other, tmp_path)


def folder_of_classes(root, names):
    """Twenty pictures of each class, bright by its place, in folders for train and validation."""
    for place, name in enumerate(names):
        write_numbered(root / "train" / name, range(20 * place, 20 * place + 15))
        write_numbered(root / "val" / name, range(20 * place + 15, 20 * place + 20))
    return DataConfig(f"folder:{root}", levels=16, image_size=(3, 4), class_conditional=True)


def test_a_run_keeps_the_names_of_its_classes(tmp_path, capsys):
    """The same pictures under other names are refused, and not scored as other classes."""
    config = tiny_config(data=folder_of_classes(tmp_path / "data", map(str, range(12))), model=WIDE, steps=1)
    training_run.train(config, tmp_path / "run")
    names = [str(number) for number in range(12)]
    for file in ("config.json", "model.json"):
        assert json.loads((tmp_path / "run" / file).read_text())["classes"] == names
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11" in (tmp_path / "run" / "report.md").read_text()
    model = tmp_path / "run" / "model.keras"
    assert load_model(model).class_names == tuple(names)
    (tmp_path / "data" / "val" / "11").rename(tmp_path / "data" / "val" / "eleven")
    (tmp_path / "data" / "train" / "11").rename(tmp_path / "data" / "train" / "eleven")
    with pytest.raises(ValueError, match=r"has the class 'eleven', which the model does not know"):
        evaluate.main(evaluate.Options(model=model, data=config.data))
    capsys.readouterr()
    sample.main(sample.Options(model=model, out=tmp_path / "two.png", num_images=2, label="2"))
    assert "2 images of class 2 at temperature 1" in capsys.readouterr().out
    with pytest.raises(ValueError, match="takes labels from 0 to 11, got --label=twelve"):
        sample.main(sample.Options(model=model, out=tmp_path / "none.png", label="twelve"))


def test_a_run_of_an_earlier_version_goes_on_with_its_own_labels(tmp_path):
    config = tiny_config(data=folder_of_classes(tmp_path / "data", map(str, range(12))), model=WIDE, steps=1)
    data = config.data.load()
    assert data.classes[2] == "2"
    (tmp_path / "config.json").write_text(json.dumps({"fingerprint": dict(data.fingerprint)}))
    assert workdirs.checked_data(tmp_path, data).classes[:4] == ("0", "1", "10", "11")
    recorded = {"fingerprint": dict(data.fingerprint), "classes": list(reversed(data.classes))}
    (tmp_path / "config.json").write_text(json.dumps(recorded))
    assert workdirs.checked_data(tmp_path, data).classes[0] == "11"
