"""A run and a model of version 0.1, as its programs left them in tests/support/earlier_run, are still of use."""

import json
import pathlib
import shutil

import keras
import pytest

from pixelrnn_tf import data as images
from pixelrnn_tf.evaluation import scoring
from pixelrnn_tf.training import run as training_run
from tests.support.training_runs import tiny_config

EARLIER = pathlib.Path(__file__).parents[1] / "support" / "earlier_run"


def test_an_earlier_model_has_the_score_it_had():
    model = keras.models.load_model(EARLIER / "model.keras")
    said = json.loads((EARLIER / "model.json").read_text())["scores"]
    for split in ("validation", "test"):
        score = scoring.Evaluator(model).score(images.load("digits"), split)
        assert score.nats_per_image == pytest.approx(said[split]["nats_per_image"], rel=1e-6)


@pytest.mark.parametrize("jit_compile", ["false", "auto"])
def test_an_earlier_run_goes_on_to_where_its_own_version_came(jit_compile, tmp_path, capsys):
    shutil.copytree(EARLIER, tmp_path, dirs_exist_ok=True)
    scores = training_run.train(tiny_config(steps=25, jit_compile=jit_compile), tmp_path)
    assert "Resuming from step 20" in capsys.readouterr().out
    # What the earlier version printed when it went on from this checkpoint.
    assert scores["validation"].nats_per_image == pytest.approx(176.75348273383247, rel=1e-6)
    assert scores["test"].nats_per_image == pytest.approx(176.86525056627062, rel=1e-6)
