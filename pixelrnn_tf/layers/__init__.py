"""Layers of the networks, in keras.ops: they run on TensorFlow and on JAX."""

from pixelrnn_tf.layers.blocks import BLOCKS
from pixelrnn_tf.layers.code_embedding import CodeEmbedding
from pixelrnn_tf.layers.conditioning import Conditioner, ConditionFormat, GivenMap, LabelEmbedding
from pixelrnn_tf.layers.diagonal_bilstm import DiagonalBiLSTM
from pixelrnn_tf.layers.head import Head
from pixelrnn_tf.layers.initializers import ForgetGateOnes, MixtureBias
from pixelrnn_tf.layers.lstm_blocks import DiagonalBiLSTMBlock, RowLSTMBlock
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D
from pixelrnn_tf.layers.masks import feature_groups, gated_feature_groups, kernel_mask
from pixelrnn_tf.layers.outputs import OUTPUTS, LogisticMixture, OutputDistribution, Softmax
from pixelrnn_tf.layers.pixel_cnn_block import PixelCNNBlock
from pixelrnn_tf.layers.row_lstm import RowLSTM
from pixelrnn_tf.layers.scan import scan
from pixelrnn_tf.layers.skewing import skew, unskew
from pixelrnn_tf.layers.upsampler import Upsampler
from pixelrnn_tf.layers.vector_embedding import VectorEmbedding

__all__ = [
    "BLOCKS",
    "OUTPUTS",
    "CodeEmbedding",
    "ConditionFormat",
    "Conditioner",
    "DiagonalBiLSTM",
    "DiagonalBiLSTMBlock",
    "ForgetGateOnes",
    "GivenMap",
    "Head",
    "LabelEmbedding",
    "LogisticMixture",
    "MaskedConv2D",
    "MixtureBias",
    "OutputDistribution",
    "PixelCNNBlock",
    "RowLSTM",
    "RowLSTMBlock",
    "Softmax",
    "Upsampler",
    "VectorEmbedding",
    "feature_groups",
    "gated_feature_groups",
    "kernel_mask",
    "scan",
    "skew",
    "unskew",
]
