"""The shipped networks score what their cards say, on data that has not changed."""

import os

import pytest

from pixelrnn_tf import zoo
from pixelrnn_tf.evaluation.scoring import Evaluator
from pixelrnn_tf.models import preset_files
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.programs import model_files


@pytest.mark.parametrize("name", zoo.shipped_presets())
def test_the_first_test_images_score_what_the_card_says(name):
    metadata = preset_files.read_metadata(zoo.DIRECTORY / name)
    if metadata["data"]["name"].startswith("tfds:") and not os.environ.get("TFDS_DATA_DIR"):
        pytest.skip(f"TFDS_DATA_DIR is not set: point it to a directory with {metadata['data']['name']}.")
    data = model_files.data_of(name, "test")
    expected = metadata["check"]
    score = Evaluator(load_model(name)).score(data, expected["split"], expected["images"])
    assert score.images == expected["images"]
    # To 1e-3 nats, or where there are thousands of them, as of color images, to what float32 can tell.
    assert score.nats_per_image == pytest.approx(expected["nats_per_image"], abs=1e-3, rel=1e-6)


def test_their_weights_are_small_together():
    assert 7_000_000 < sum(path.stat().st_size for path in zoo.DIRECTORY.rglob("*.h5")) < 12_000_000
