"""Blocks by the name that `PixelRNN` and `--block` take."""

from pixelrnn_tf.layers.block import Block
from pixelrnn_tf.layers.lstm_blocks import DiagonalBiLSTMBlock, RowLSTMBlock
from pixelrnn_tf.layers.pixel_cnn_block import PixelCNNBlock

BLOCKS: dict[str, type[Block]] = {
    "pixel_cnn": PixelCNNBlock,
    "row_lstm": RowLSTMBlock,
    "diagonal_bilstm": DiagonalBiLSTMBlock,
}
