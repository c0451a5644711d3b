"""A Multi-Scale PixelRNN in the hands of trainer, programs and export."""

import json

import numpy as np
import pytest

from export.checking.comparison import LIMITS, compare
from export.checking.graph_rules import broken_rules
from export.checking.loader import Loader
from export.checking.reference import Format, model_reference
from export.saved_model_writer import export_model
from pixelrnn_tf.models import MultiScalePixelRNN
from pixelrnn_tf.programs import model_files
from pixelrnn_tf.programs.data_config import DataConfig
from pixelrnn_tf.programs.flags import as_flags
from tests.support.training_runs import TINY, tiny_config
from trainers import batched_sampling, complete, config, evaluate, training_run

SCALES = {**TINY, "block": "pixel_cnn", "scales": (4, 8), "upsampler_features": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run") / "digits"
    return workdir, training_run.train(tiny_config(model=SCALES, steps=20, eval_every=20, dropout=0.1), workdir)


def test_it_is_trained_scored_and_drawn_from_as_any_other(run, tmp_path, capsys):
    workdir, scores = run
    model = model_files.load_model(workdir / "model.keras")
    assert isinstance(model, MultiScalePixelRNN)
    assert model.heights == (4, 8)
    assert 0 < scores["test"].nats_per_image < 8 * 8 * np.log(17), "better than guessing"
    evaluate.main(evaluate.Options(model=workdir / "model.keras"))
    assert f"{scores['test'].nats_per_image:.2f} nats per image" in capsys.readouterr().out
    assert batched_sampling.draw_images(model, 3, 0).shape == (3, 8, 8, 1)
    complete.main(complete.Options(model=workdir / "model.keras", out=tmp_path / "c.png", num_images=2, num_samples=1))
    again = tiny_config(model=json.loads(json.dumps(SCALES)), steps=20, eval_every=20, dropout=0.1)
    assert training_run.train(again, workdir) == scores, "a finished run stays as it is"


def test_flags_say_the_scales():
    words = as_flags(config.TrainConfig, config.as_json(tiny_config(model=SCALES)))
    assert "--scales=4,8" in words
    with pytest.raises(ValueError, match="--upsampler_features belongs to --scales"):
        tiny_config(model={**TINY, "upsampler_features": 3})
    with pytest.raises(ValueError, match="--scales and --class_conditional do not go together"):
        tiny_config(model=SCALES, data=DataConfig(class_conditional=True))


@pytest.mark.slow
def test_an_export_serves_the_same_signatures(run, tmp_path):
    model = model_files.load_model(run[0] / "model.keras")
    folder = export_model(model, tmp_path / "network")
    assert not any(broken_rules(folder).values())
    fmt = Format.of(folder)
    assert fmt == Format((8, 8, 1), 17, None)
    with Loader(folder) as loader:
        measures = compare(loader, fmt, model_reference(model, fmt), (1, 3))
    assert {item.signature for item in measures} >= {"score", "logits", "sample", "complete", "complete_png"}
    for item in measures:
        assert item.value <= LIMITS[item.quantity], item
