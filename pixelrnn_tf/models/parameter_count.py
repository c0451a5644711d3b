"""How many weights a network has, from its arguments alone: known before anything is allocated."""

from pixelrnn_tf.layers.conditioning import Conditioner
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
) -> int:
    """The number of weights of a `PixelRNN` with these arguments, without making it.

    Masked taps count, since kernels keep their full size. Of a kind of block that is not the paper's only what is
    around it counts.

    Example:

    >>> count_parameters((28, 28, 1), levels=2, block="diagonal_bilstm", num_blocks=7, hidden=16, head_hidden=32)
    73666
    """
    channels, features = image_shape[-1], 2 * hidden
    of_conditioner = 0
    if conditioner is not None:
        condition_features, of_conditioner = conditioner.features, conditioner.count_weights()
    per_block = _of_block(block, hidden, condition_features) + (_conv(features, features) if skips else 0)
    inner = _conv(features, head_hidden) + _conv(head_hidden, head_hidden)
    network = _conv(channels, features, 49) + num_blocks * per_block + inner
    network += _conv(head_hidden, channels * make_output(output, levels, mixtures).features)
    return network + of_conditioner


def _conv(inputs: int, outputs: int, taps: int = 1, condition_features: int = 0) -> int:
    """A kernel, a bias, and the projection of a conditioning map."""
    return taps * inputs * outputs + outputs + condition_features * outputs


def _of_block(block: str, h: int, condition_features: int) -> int:
    if block == "pixel_cnn":
        return _conv(2 * h, h) + _conv(h, h, 9, condition_features) + _conv(h, 2 * h)
    # Of the two LSTMs: directions, taps of the input-to-state and of the state-to-state convolution.
    lstms = {"row_lstm": (1, 3, 3), "diagonal_bilstm": (2, 1, 2)}
    if block not in lstms:
        return 0
    directions, input_taps, state_taps = lstms[block]
    input_to_state = _conv(2 * h, directions * 4 * h, input_taps, condition_features)
    state_to_state = directions * state_taps * h * 4 * h
    initial_states = directions * 2 * h
    return input_to_state + state_to_state + initial_states + _conv(h, 2 * h)
