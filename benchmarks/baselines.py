"""Baselines for the speed of training: the same networks without this library."""

import functools
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from pixelrnn_tf.layers import Softmax
from pixelrnn_tf.layers.composition import elementary_layers
from pixelrnn_tf.layers.recurrence import lstm_states
from pixelrnn_tf.layers.two_dimensional_lstm import TwoDimensionalLSTM
from pixelrnn_tf.models import PixelRNN


def with_autodiff(model: PixelRNN) -> PixelRNN:
    """Make TensorFlow differentiate the loop of every LSTM of a model, over maps skewed one by one.

    Both directions of a Diagonal BiLSTM stay stacked in one loop. The model is changed in place and returned.
    """

    def outputs(layer: TwoDimensionalLSTM, input_to_state: Any) -> Any:
        order = layer.scan_order(None, *input_to_state.shape[1:3])  # An unknown batch size gives one image per strip.
        return lstm_states(layer.to_directions(input_to_state), layer.lstm_weights(), order)[0]

    for layer in elementary_layers(model):
        if isinstance(layer, TwoDimensionalLSTM):
            setattr(layer, "outputs", functools.partial(outputs, layer))  # noqa: B010  Only for this layer.
    return model


class PlainNetwork(keras.Model):
    """Network of plain layers whose outputs are the logits. It has what a training step asks of a model.

    Attributes:
        output_distribution: a softmax over the levels.
    """

    output_distribution: Softmax

    def split_inputs(self, images: Any) -> tuple[Any, None]:
        return images, None

    def output_parameters(self, images: Any, condition: None) -> Any:
        return self(images)


def unmasked_pixel_cnn(
    image_shape: tuple[int, int, int], levels: int, num_blocks: int, hidden: int, head_hidden: int, **_: Any
) -> PlainNetwork:
    """Make a network with the layers of a PixelCNN, as plain `keras.layers.Conv2D` without masks: equal work, no model.

    Args:
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel.
        num_blocks: number of blocks.
        hidden: number h of features inside a block.
        head_hidden: number of features of the head's inner convolutions.
    """

    def conv(filters: int, size: int = 1) -> keras.layers.Conv2D:
        return keras.layers.Conv2D(filters, size, padding="same")

    images = keras.Input(image_shape, dtype="uint8")
    x = conv(2 * hidden, 7)(ops.cast(images, "float32") * (2.0 / (levels - 1)) - 1.0)
    skips = []
    for _block in range(num_blocks):
        y = x
        for layer in (conv(hidden), conv(hidden, 3), conv(2 * hidden)):
            y = layer(ops.relu(y))
        x = x + y
        skips.append(conv(2 * hidden)(x))
    x = keras.layers.add(skips) if num_blocks > 1 else skips[0]
    for filters in (head_hidden, head_hidden, image_shape[-1] * levels):
        x = conv(filters)(ops.relu(x))
    model = PlainNetwork(images, ops.reshape(x, (-1, *image_shape, levels)))
    model.output_distribution = Softmax(levels)
    return model


def plain_product(rows: int, hidden: int, repeats: int = 200) -> Any:
    """Make a function that multiplies `(rows, 2h)` by `(2h, 4h)` in float32 `repeats` times in sequence."""
    kernel = tf.random.stateless_normal((2 * hidden, 4 * hidden), (0, 0)) / (2 * hidden) ** 0.5

    @tf.function(jit_compile=True)
    def run() -> tf.Tensor:
        def body(k, values):
            return k + 1, tf.matmul(values[:, : 2 * hidden], kernel)

        return tf.while_loop(lambda k, _: k < repeats, body, (0, tf.ones((rows, 4 * hidden))))[1]

    return run
