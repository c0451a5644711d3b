"""Exports that several tests share, each made once."""

import keras
import pytest

from export.saved_model_writer import export_model
from tests.support.networks import make_network


@pytest.fixture(scope="session")
def small_export(tmp_path_factory):
    """The smallest network, and the folder of its export. Neither may be changed."""
    keras.utils.set_random_seed(0)
    model = make_network("pixel_cnn", (3, 4, 1), num_blocks=1)
    return model, export_model(model, tmp_path_factory.mktemp("small") / "network")
