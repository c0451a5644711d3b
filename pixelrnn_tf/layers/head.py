"""The output layers (paper section 4, Table 1)."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import check_map_shape
from pixelrnn_tf.layers.composition import Apply, CompositeLayer, Part, track_each
from pixelrnn_tf.layers.features import sizes_for_reshape
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D, count_conv_weights
from pixelrnn_tf.layers.outputs import OutputDistribution, make_output
from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class Head(CompositeLayer):
    """(ReLU, 1x1 mask B convolution) twice, then ReLU and a 1x1 mask B convolution to the parameters of the output.

    The paper does not mention a ReLU before the logits; without one, the last two convolutions would be a single linear
    map with more weights.

    Reference: van den Oord et al. 2016, section 4, Table 1.

    Args:
        levels: number of values of a sub-pixel.
        hidden: number of features of the two inner convolutions.
        channels: number of colors.
        output: name in `OUTPUTS` of the distribution over the levels.
        mixtures: number of components of a mixture output.

    Call arguments:
        inputs: map `(batch, height, width, features)`.

    Output shape:
        `(batch, height, width, channels, parameters)`, float32 under every dtype policy except float64. For a softmax
        the parameters are the logits, one per level.
    """

    def __init__(
        self,
        levels: int,
        hidden: int,
        channels: int = 1,
        output: str = "softmax",
        mixtures: int = 5,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.levels = levels = checked_integer("levels", levels, 1)
        self.hidden = hidden = checked_integer("hidden", hidden, 1)
        self.channels = channels = checked_integer("channels", channels, 1)
        self.output_name, self.output_distribution = output, make_output(output, levels, mixtures)
        self.inner = [
            MaskedConv2D(hidden, 1, "B", channels, dtype=self.dtype_policy, name=f"inner_{k}") for k in range(2)
        ]
        # The error of half-precision logits is larger than the difference between most models.
        self.logits = MaskedConv2D(
            channels * self.output_distribution.features,
            1,
            "B",
            channels,
            bias_initializer=self.output_distribution.bias_initializer,
            dtype=at_least_float32(self.compute_dtype),
            name="logits",
        )
        track_each(self, self.inner)

    @staticmethod
    def count_weights(features: int, hidden: int, channels: int, output: OutputDistribution) -> int:
        """Number of weights, computed without creating them.

        Args:
            features: number of input features.
            hidden: number of features of the two inner convolutions.
            channels: number of colors.
            output: distribution over the levels.
        """
        inner = count_conv_weights(features, hidden) + count_conv_weights(hidden, hidden)
        return inner + count_conv_weights(hidden, channels * output.features)

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
        return ops.reshape(x, (*sizes_for_reshape(x)[:-1], self.channels, self.output_distribution.features))

    def compute_output_shape(self, inputs_shape: Shape, condition_shape: Shape | None = None) -> Shape:
        return (*inputs_shape[:-1], self.channels, self.output_distribution.features)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "levels": self.levels,
            "hidden": self.hidden,
            "channels": self.channels,
            "output": self.output_name,
            "mixtures": self.output_distribution.mixtures,
        }
