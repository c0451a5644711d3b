"""PixelRNN for Keras and TensorFlow: Row LSTM, Diagonal BiLSTM and PixelCNN with exact likelihood.

`layers`, `models` and `sampling` run on every Keras backend and are imported here, which also registers
every class for `keras.models.load_model`. `distributions` and `data` need TensorFlow and are imported when
they are first used.
"""

import importlib

from pixelrnn_tf import layers, models, sampling
from pixelrnn_tf.models import PRESETS, BitsPerDim, NegativeLogLikelihood, PixelRNN
from pixelrnn_tf.version import __version__

__all__ = [
    "PRESETS",
    "BitsPerDim",
    "NegativeLogLikelihood",
    "PixelRNN",
    "__version__",
    "data",
    "distributions",
    "layers",
    "models",
    "sampling",
]


def __getattr__(name: str):
    if name in ("data", "distributions"):
        return importlib.import_module(f"pixelrnn_tf.{name}")
    raise AttributeError(f"module 'pixelrnn_tf' has no attribute {name!r}")
