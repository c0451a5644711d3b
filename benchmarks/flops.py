"""Floating-point operations of the products in a training step, without padding and masked weights."""

from pixelrnn_tf.layers.composition import elementary_layers
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.models import PixelRNN


def useful_flops(model: PixelRNN, batch_size: int) -> int:
    """Count the operations of the products in one training step, a multiplication and an addition as two.

    A product in the forward pass adds two of the same size, the gradients of its two factors; the gradient of the image
    is not computed. Elementwise functions, such as those of a gate, are not counted.
    """
    height, width, _ = model.image_shape
    weights = 0
    for layer in elementary_layers(model):
        if isinstance(layer, TwoDimensionalLSTM):
            weights += 3 * (int(layer.input_to_state.mask.sum()) + layer.state_to_state.shape.num_elements())
        elif isinstance(layer, MaskedConv2D):
            weights += (2 if layer is model.stem else 3) * int(layer.mask.sum())
    return 2 * weights * height * width * batch_size
