"""An export of an earlier version is checked and answers as it did."""

import pathlib
import tarfile

import numpy as np
import pytest

from pixelrnn_tf.serving.check.graph_rules import broken_rules
from pixelrnn_tf.serving.check.loader import Loader
from pixelrnn_tf.serving.check.reference import Format

# A PixelCNN of the first version, its graphs included, and what it answered then.
EARLIER = pathlib.Path(__file__).parents[1] / "support" / "earlier_export.tar.xz"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(EARLIER) as archive:
        archive.extractall(folder, filter="data")
    return folder / "network" / "1", np.load(folder / "answers.npz")


def test_an_earlier_export_keeps_every_rule(earlier):
    assert not any(broken_rules(earlier[0]).values())
    assert Format.of(earlier[0]) == Format((3, 4, 1), 4, None)


def test_an_earlier_export_answers_as_it_did(earlier):
    folder, answers = earlier
    with Loader(folder) as loader:
        for signature in ("logits", "score", "sample", "complete"):
            inputs = {name: answers[f"inputs.{name}"] for name in loader.signatures[signature].inputs}
            for name, value in loader.run(signature, inputs).items():
                np.testing.assert_allclose(value, answers[f"{signature}.{name}"], rtol=1e-6, atol=1e-6, err_msg=name)
