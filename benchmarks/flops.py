"""The floating-point operations a training step has to do: those of its products, without padding or masked weights."""

from pixelrnn_tf.layers.composition import elementary_layers
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.models import PixelRNN


def useful_flops(model: PixelRNN, batch_size: int) -> int:
    """Operations of the products of one training step, a multiplication and an addition counted as two.

    A product of the forward pass brings two of the same size, the gradients of its two factors; the gradient of
    the image, which nobody asks for, is left out. So are all functions of single numbers, such as those of a gate.
    """
    height, width, _ = model.image_shape
    weights = 0
    for layer in elementary_layers(model):
        if isinstance(layer, TwoDimensionalLSTM):
            weights += 3 * (int(layer.input_to_state.mask.sum()) + layer.state_to_state.shape.num_elements())
        elif isinstance(layer, MaskedConv2D):
            weights += (2 if layer is model.stem else 3) * int(layer.mask.sum())
    return 2 * weights * height * width * batch_size
