"""A Multi-Scale PixelRNN in the hands of trainer, programs and export."""

import contextlib
import dataclasses
import io
import json

import numpy as np
import pytest

from pixelrnn_cli import train_config as config
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import as_flags
from pixelrnn_tf.evaluation import batched_sampling
from pixelrnn_tf.models import MultiScalePixelRNN, negative_log_likelihood, preset_files
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.programs import publishing
from pixelrnn_tf.serving.check.comparison import LIMITS, compare
from pixelrnn_tf.serving.check.graph_rules import broken_rules
from pixelrnn_tf.serving.check.loader import Loader
from pixelrnn_tf.serving.check.reference import Format, model_reference
from pixelrnn_tf.serving.saved_model_writer import export_model
from pixelrnn_tf.training import run as training_run
from pixelrnn_tf.training.workdir import as_json
from tests.support.training_runs import TINY, tiny_config
from trainers import complete, evaluate, publish

SCALES = {**TINY, "block": "pixel_cnn", "scales": (4, 8), "upsampler_features": 3}
SHORT = {"steps": 8, "eval_every": 8, "learning_rate": 0.02, "dropout": 0.1}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run") / "digits"
    return workdir, training_run.train(tiny_config(model=SCALES, **SHORT), workdir)


@pytest.fixture(scope="module")
def printed(run):
    """The output of the program that evaluates it."""
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        evaluate.main(evaluate.Options(model=run[0] / "model.keras"))
    return stream.getvalue()


def test_it_is_trained_and_scored_as_any_other(run, printed):
    workdir, scores = run
    model = load_model(workdir / "model.keras")
    assert isinstance(model, MultiScalePixelRNN)
    assert model.heights == (4, 8)
    assert 0 < scores["test"].nats_per_image < 8 * 8 * np.log(17), "better than guessing"
    assert f"{scores['test'].nats_per_image:.2f} nats per image" in printed
    again = tiny_config(model=json.loads(json.dumps(SCALES)), **SHORT)
    assert training_run.train(again, workdir) == scores, "a finished run stays as it is"


@pytest.mark.slow
def test_it_is_drawn_from_and_completes_as_any_other(run, tmp_path):
    path = run[0] / "model.keras"
    assert batched_sampling.draw_images(load_model(path), 3, 0).shape == (3, 8, 8, 1)
    complete.main(complete.Options(model=path, out=tmp_path / "c.png", num_images=2, num_samples=1))


def test_a_run_says_what_each_scale_adds(run, printed):
    workdir, scores = run
    found = json.loads((workdir / "model.json").read_text())["scales"]
    assert set(found) == {"validation", "test"}
    assert found["test"]["sizes"] == [[4, 4], [8, 8]]
    small, rest = found["test"]["nats_per_image"]
    assert small + rest == pytest.approx(scores["test"].nats_per_image, abs=1e-3)
    model, data = load_model(workdir / "model.keras"), DataConfig().load()
    images = np.concatenate([images for images in data.batches("test", 60).as_numpy_iterator()])
    alone = negative_log_likelihood(images[:, ::2, ::2], model.networks[0](images[:, ::2, ::2]))
    assert small == pytest.approx(float(np.mean(alone)), abs=1e-3)
    terms = f"4x4 {small:.2f} + 8x8 given it {rest:.2f} = {scores['test'].nats_per_image:.2f} nats per image"
    report = (workdir / "report.md").read_text()
    assert f"Scales, test: {terms}, 180 images." in report
    assert report.startswith("# pixel_cnn 1 x 4, scales 4-8, on digits\n")
    assert terms in printed


@pytest.mark.slow
def test_a_published_network_says_its_scales(run, tmp_path):
    options = publish.Options(run[0], "tiny", out=tmp_path, description="A tiny network.")
    published = publishing.publish(**dataclasses.asdict(options))
    metadata = preset_files.read_metadata(published)
    assert metadata["network"]["title"] == "PixelCNN 1 x 4, 2 scales: 4x4 to 8x8"
    card = (published / "README.md").read_text()
    small, rest = metadata["scales"]["test"]["nats_per_image"]
    assert f"the 4x4 image accounts for {small:.2f} nats, and the remaining pixels of 8x8 for {rest:.2f}." in card
    assert "pixelrnn_tf.MultiScalePixelRNN.from_preset(" in card
    assert MultiScalePixelRNN.from_preset(published).heights == (4, 8)


def test_flags_say_the_scales():
    words = as_flags(config.TrainConfig, as_json(tiny_config(model=SCALES)))
    assert "--scales=4,8" in words
    with pytest.raises(ValueError, match="--upsampler_features requires --scales"):
        tiny_config(model={**TINY, "upsampler_features": 3})
    with pytest.raises(ValueError, match="--scales and --class_conditional cannot be combined"):
        tiny_config(model=SCALES, data=DataConfig(class_conditional=True))


@pytest.mark.slow
def test_an_export_serves_the_same_signatures(run, tmp_path):
    model = load_model(run[0] / "model.keras")
    folder = export_model(model, tmp_path / "network")
    assert not any(broken_rules(folder).values())
    fmt = Format.of(folder)
    assert fmt == Format((8, 8, 1), 17, None)
    with Loader(folder) as loader:
        measures = compare(loader, fmt, model_reference(model, fmt), (1, 3))
    assert {item.signature for item in measures} >= {"score", "logits", "sample", "complete", "complete_png"}
    for item in measures:
        assert item.value <= LIMITS[item.quantity], item
