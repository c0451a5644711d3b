"""PixelRNN for Keras and TensorFlow: Row LSTM, Diagonal BiLSTM and PixelCNN with exact likelihood.

`layers`, `models`, `sampling` and `compression` run on TensorFlow and on JAX; `distributions` and `data` need
TensorFlow. Each is imported when it is first used. Every class is registered for `keras.models.load_model` once this is
imported.
"""

import importlib
from typing import TYPE_CHECKING, Any

from pixelrnn_tf.registration import register_with_keras
from pixelrnn_tf.version import __version__

if TYPE_CHECKING:
    from pixelrnn_tf import compression, data, distributions, layers, models, sampling
    from pixelrnn_tf.models import PRESETS, BitsPerDim, MultiScalePixelRNN, NegativeLogLikelihood, PixelRNN

__all__ = [
    "PRESETS",
    "BitsPerDim",
    "MultiScalePixelRNN",
    "NegativeLogLikelihood",
    "PixelRNN",
    "__version__",
    "compression",
    "data",
    "distributions",
    "layers",
    "models",
    "sampling",
]

_PACKAGES = ("compression", "data", "distributions", "layers", "models", "sampling")

register_with_keras()


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"pixelrnn_tf.{name}")
    if name in __all__:
        return getattr(importlib.import_module("pixelrnn_tf.models"), name)
    raise AttributeError(f"module 'pixelrnn_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
