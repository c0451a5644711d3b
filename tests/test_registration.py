"""Classes are registered with Keras whatever is imported first, and Keras is loaded by nobody before it is needed."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FIND = "assert keras.saving.get_registered_object('pixelrnn_tf>PixelRNN') is not None"


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, pixelrnn_tf",
        "import pixelrnn_tf, sys; assert 'keras' not in sys.modules; import keras",
        # Looking for Keras is not loading it.
        "import pixelrnn_tf, importlib.util; importlib.util.find_spec('keras'); import keras",
        "import pixelrnn_tf.layers, keras",
        "import pixelrnn_tf.models.presets, keras",
        "import pixelrnn_tf.layers.blocks, keras",
        "import pixelrnn_tf.sampling, keras",
    ],
)
def test_classes_are_registered(imports):
    done = subprocess.run([sys.executable, "-c", f"{imports}; {FIND}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
