"""Models, their loss, metric and optimizer, and the named configurations of the paper."""

from pixelrnn_tf.models.classification import class_log_probs, classify, marginal_log_prob, predict_classes
from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.likelihood import BitsPerDim, NegativeLogLikelihood, bits_per_dim, negative_log_likelihood
from pixelrnn_tf.models.log_probs import log_prob, log_prob_by_scale, log_prob_map
from pixelrnn_tf.models.multi_scale import MultiScalePixelRNN
from pixelrnn_tf.models.muon import Muon
from pixelrnn_tf.models.parameter_count import count_parameters
from pixelrnn_tf.models.pixelrnn import PixelRNN
from pixelrnn_tf.models.presets import PRESETS, PaperScore, Preset, get_preset

__all__ = [
    "PRESETS",
    "BitsPerDim",
    "ImageModel",
    "MultiScalePixelRNN",
    "Muon",
    "NegativeLogLikelihood",
    "PaperScore",
    "PixelRNN",
    "Preset",
    "bits_per_dim",
    "class_log_probs",
    "classify",
    "count_parameters",
    "get_preset",
    "log_prob",
    "log_prob_by_scale",
    "log_prob_map",
    "marginal_log_prob",
    "negative_log_likelihood",
    "predict_classes",
]
