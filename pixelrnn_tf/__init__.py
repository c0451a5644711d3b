"""PixelRNN for Keras and TensorFlow: Row LSTM, Diagonal BiLSTM and PixelCNN with exact likelihood.

Importing this package imports Keras and registers all layers and models for `keras.models.load_model`. `layers`,
`models`, `sampling` and `compression` run on TensorFlow and on JAX. Import the packages that need TensorFlow
explicitly: `pixelrnn_tf.distributions`, `data`, `training`, `evaluation` and `serving`.
"""

from pixelrnn_tf import compression, layers, models, sampling
from pixelrnn_tf.models import PRESETS, BitsPerDim, MultiScalePixelRNN, Muon, NegativeLogLikelihood, PixelRNN
from pixelrnn_tf.version import __version__

__all__ = [
    "PRESETS",
    "BitsPerDim",
    "MultiScalePixelRNN",
    "Muon",
    "NegativeLogLikelihood",
    "PixelRNN",
    "__version__",
    "compression",
    "layers",
    "models",
    "sampling",
]
