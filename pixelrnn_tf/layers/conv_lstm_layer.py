"""What the Row LSTM and the Diagonal BiLSTM have in common as Keras layers."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.conv_lstm import Order, conv_lstm
from pixelrnn_tf.layers.initializers import ForgetGateOnes
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D, check_map_shape
from pixelrnn_tf.layers.masks import feature_groups


class ConvLSTMLayer(keras.layers.Layer):
    """A masked input-to-state convolution of the whole map, then the recurrence along one of its axes.

    A subclass says how: it sets the class attributes, says the order of the recurrence, and turns the
    input-to-state map into one map for each direction and the maps of h back into one.

    Class attributes:
        directions: number of directions, each with weights of its own.
        input_to_state_size: kernel size `(height, width)` of the input-to-state convolution.
        taps: number of neighbours of a pixel that the state-to-state convolution reads.

    Args:
        hidden: number of units h, per direction.
        channels: number of colours; the units of every gate are split into as many groups.
        condition_features: features of the conditioning map; 0 for none. An unmasked 1x1 projection of it is
            added to the input-to-state map (paper section 3.6).
    """

    directions: int
    input_to_state_size: tuple[int, int]
    taps: int

    def __init__(self, hidden: int, channels: int = 1, condition_features: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        feature_groups(hidden, channels)
        self.hidden = hidden
        self.channels = channels
        self.condition_features = condition_features
        gates = 4 * self.directions
        self.input_to_state = MaskedConv2D(
            gates * hidden,
            self.input_to_state_size,
            mask_type="B",
            channels=channels,
            gates=gates,
            bias_initializer=ForgetGateOnes(self.directions),
            condition_features=condition_features,
            dtype=self.dtype_policy,
            name="input_to_state",
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_map_shape(self, input_shape)
        if None in input_shape[1:3]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs a map of a height and width known in advance; "
                f"got the shape {tuple(input_shape)}."
            )
        self.input_to_state.build(input_shape)
        self.state_to_state = self.add_weight(
            name="state_to_state",
            shape=(self.directions, self.taps, self.hidden, 4 * self.hidden),
            initializer=_orthogonal,
        )
        # The state is kept in float32 under every half precision, and so is its initial value.
        self.initial_h, self.initial_c = (
            self.add_weight(
                name=name,
                shape=(self.directions, self.hidden),
                initializer="zeros",
                dtype="float64" if self.variable_dtype == "float64" else "float32",
                autocast=False,
            )
            for name in ("initial_h", "initial_c")
        )

    def call(self, inputs: Any, condition: Any = None) -> Any:
        h = self.run(self.input_to_state(inputs, condition))
        return ops.cast(self.from_directions(h), inputs.dtype)

    def run(self, gates: Any, return_c: bool = False) -> Any:
        """The recurrence over an input-to-state map: what `conv_lstm` returns."""
        return conv_lstm(
            self.to_directions(gates),
            self.state_to_state,
            self.initial_h,
            self.initial_c,
            self.order(*gates.shape[:3]),
            return_c,
        )

    def to_directions(self, gates: Any) -> Any:
        """From the map `(batch, height, width, directions * 4 * hidden)` to the inputs of `conv_lstm`."""
        raise NotImplementedError

    def from_directions(self, h: Any) -> Any:
        """From the maps of `conv_lstm` to `(batch, height, width, hidden)`."""
        raise NotImplementedError

    def order(self, batch: int | None, height: int, width: int) -> Order:
        """How maps of this size become steps of the recurrence."""
        raise NotImplementedError

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], condition_shape: Any = None
    ) -> tuple[int | None, ...]:
        return (*inputs_shape[:-1], self.hidden)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "channels": self.channels,
            "condition_features": self.condition_features,
        }


def _orthogonal(shape: tuple[int, ...], dtype: Any) -> Any:
    """The orthogonal initializer in any precision: its QR decomposition exists in no half precision."""
    precise = "float64" if dtype == "float64" else "float32"
    return ops.cast(keras.initializers.Orthogonal()(shape, dtype=precise), dtype)


def padded_above(maps: Any, value: Any) -> Any:
    """A map `(batch, height, width, features)` with one row more above it that holds `value (features,)`."""
    row = ops.broadcast_to(value, ops.shape(maps[:, :1]))
    return ops.concatenate([row, maps], axis=1)
