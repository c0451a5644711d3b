"""Number of parameters of a network, computed from its arguments before anything is allocated."""

from pixelrnn_tf.layers.blocks import BLOCKS
from pixelrnn_tf.layers.code_embedding import CodeEmbedding
from pixelrnn_tf.layers.conditioning import Conditioner
from pixelrnn_tf.layers.head import Head
from pixelrnn_tf.layers.masked_conv2d import count_conv_weights
from pixelrnn_tf.layers.outputs import make_output
from pixelrnn_tf.typing import ImageShape


def count_parameters(
    image_shape: ImageShape,
    levels: int,
    block: str,
    num_blocks: int,
    hidden: int,
    head_hidden: int,
    residual: bool = True,
    skips: bool = True,
    condition_features: int = 0,
    conditioner: Conditioner | None = None,
    output: str = "softmax",
    mixtures: int = 5,
    inputs: str = "levels",
) -> int:
    """Count the parameters of a `PixelRNN` with these arguments, without constructing it.

    Masked taps are counted, since kernels keep their full size.

    Example:

    >>> count_parameters((28, 28, 1), levels=2, block="diagonal_bilstm", num_blocks=7, hidden=16, head_hidden=32)
    73666
    """
    channels, features = image_shape[-1], 2 * hidden
    of_conditioner = 0
    if conditioner is not None:
        condition_features, of_conditioner = conditioner.features, conditioner.count_weights()
    if inputs == "codes":
        stem = CodeEmbedding.count_weights(levels, hidden, channels) + count_conv_weights(
            channels * hidden, features, 49
        )
    else:
        stem = count_conv_weights(channels, features, 49)
    per_block = BLOCKS[block].count_weights(hidden, condition_features)
    skip = count_conv_weights(features, features) if skips else 0
    head = Head.count_weights(features, head_hidden, channels, make_output(output, levels, mixtures))
    return stem + num_blocks * (per_block + skip) + head + of_conditioner
