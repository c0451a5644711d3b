"""The output layers (paper section 4, Table 1)."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.checks import check_map_shape, checked_integer
from pixelrnn_tf.layers.composition import Apply, CompositeLayer, Part, track_each
from pixelrnn_tf.layers.features import sizes_for_reshape
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D
from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class Head(CompositeLayer):
    """(ReLU, 1x1 mask B convolution) twice, then ReLU and a 1x1 mask B convolution to the logits.

    The paper names no ReLU before the logits; without one the last two convolutions would be a single linear
    map with more weights.

    Reference: van den Oord et al. 2016, section 4, Table 1.

    Args:
        levels: number of values of a sub-pixel.
        hidden: number of features of the two inner convolutions.
        channels: number of colours.

    Call arguments:
        inputs: map `(batch, height, width, features)`.

    Output shape:
        `(batch, height, width, channels, levels)`, float32 under every dtype policy but float64.
    """

    def __init__(self, levels: int, hidden: int, channels: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.levels = levels = checked_integer("levels", levels, 1)
        self.hidden = hidden = checked_integer("hidden", hidden, 1)
        self.channels = channels = checked_integer("channels", channels, 1)
        self.inner = [
            MaskedConv2D(hidden, 1, "B", channels, dtype=self.dtype_policy, name=f"inner_{k}") for k in range(2)
        ]
        # TensorFlow's checkpoints see attributes alone; Keras's files name them by the list, which it finds first.
        self.inner_0, self.inner_1 = self.inner
        # Logits in half precision would cost more bits than most models differ by.
        dtype = at_least_float32(self.compute_dtype)
        self.logits = MaskedConv2D(levels * channels, 1, "B", channels, dtype=dtype, name="logits")
        track_each(self, self.inner)

    def build(self, inputs_shape: Shape) -> None:
        check_map_shape(self, inputs_shape)
        inner = (*inputs_shape[:-1], self.hidden)
        self.inner[0].build(inputs_shape)
        self.inner[1].build(inner)
        self.logits.build(inner)

    @property
    def parts(self) -> list[Part]:
        return [*self.inner, self.logits]

    def compose(self, x: Tensor, apply: Apply) -> Tensor:
        for layer in self.parts:
            x = apply(layer, ops.relu(x))
        return ops.reshape(x, (*sizes_for_reshape(x)[:-1], self.channels, self.levels))

    def compute_output_shape(self, inputs_shape: Shape, condition_shape: Shape | None = None) -> Shape:
        return (*inputs_shape[:-1], self.channels, self.levels)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "levels": self.levels,
            "hidden": self.hidden,
            "channels": self.channels,
        }
