"""Base class of the Row LSTM and the Diagonal BiLSTM."""

import abc
import math
from typing import Any

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import check_map_shape
from pixelrnn_tf.layers.incremental import IncrementalLayer
from pixelrnn_tf.layers.initializers import ForgetGateOnes
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D, count_conv_weights
from pixelrnn_tf.layers.masks import feature_groups
from pixelrnn_tf.layers.recurrence import LSTMWeights, lstm_states
from pixelrnn_tf.layers.recurrence_gradient import lstm_outputs
from pixelrnn_tf.layers.scan_order import ScanOrder
from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Config, DType, Shape, Tensor


class TwoDimensionalLSTM(IncrementalLayer):
    """A masked input-to-state convolution of the full map, followed by Equation 3 along one of its axes.

    A subclass sets the class attributes, defines the order of the scan, and converts the input-to-state map to one map
    per direction and the maps of h back to one.

    Class attributes:
        directions: number of directions, each with its own weights.
        input_to_state_size: kernel size `(height, width)` of the input-to-state convolution.
        taps: number of neighbors of a pixel that the state-to-state convolution reads.

    Args:
        hidden: number of units h, per direction.
        channels: number of colors; the units of every gate are split into as many groups.
        condition_features: features of the conditioning map; 0 for none. An unmasked 1x1 projection of it is
            added to the input-to-state map (paper section 3.6).
    """

    directions: int
    input_to_state_size: tuple[int, int]
    taps: int

    parallel_members = (
        "outputs",
        "to_directions",
        "from_directions",
        "scan_order",
        "directions",
        "input_to_state_size",
        "taps",
    )

    def __init__(self, hidden: int, channels: int = 1, condition_features: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden = hidden = checked_integer("hidden", hidden, 1)
        self.channels = channels = checked_integer("channels", channels, 1)
        self.condition_features = checked_integer("condition_features", condition_features, 0)
        feature_groups(hidden, channels)
        gates = 4 * self.directions
        self.input_to_state = MaskedConv2D(
            gates * hidden,
            self.input_to_state_size,
            mask_type="B",
            channels=channels,
            gates=gates,
            bias_initializer=ForgetGateOnes(self.directions),
            condition_features=self.condition_features,
            dtype=self.dtype_policy,
            name="input_to_state",
        )

    @classmethod
    def count_weights(cls, inputs: int, hidden: int, condition_features: int = 0) -> int:
        """Number of weights, computed without creating them.

        Args:
            inputs: number of input features.
            hidden: number of units h, per direction.
            condition_features: features of the conditioning map; 0 for none.
        """
        gates = cls.directions * 4 * hidden
        initial_states = cls.directions * 2 * hidden
        input_to_state = count_conv_weights(inputs, gates, math.prod(cls.input_to_state_size), condition_features)
        return input_to_state + cls.taps * hidden * gates + initial_states

    def build(self, inputs_shape: Shape) -> None:
        check_map_shape(self, inputs_shape)
        if None in inputs_shape[1:3]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs a map with static height and width; "
                f"got the shape {tuple(inputs_shape)}."
            )
        self.input_to_state.build(inputs_shape)
        self.state_to_state = self.add_weight(
            name="state_to_state",
            shape=(self.directions, self.taps, self.hidden, 4 * self.hidden),
            initializer=_orthogonal,
        )
        # The state and its initial value are in float32 under every half-precision policy.
        self.initial_h, self.initial_c = (
            self.add_weight(
                name=name,
                shape=(self.directions, self.hidden),
                initializer="zeros",
                dtype=at_least_float32(self.variable_dtype),
                autocast=False,
            )
            for name in ("initial_h", "initial_c")
        )

    def call(self, inputs: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.outputs(self.input_to_state(inputs, condition))
        return ops.cast(self.from_directions(h), inputs.dtype)

    def outputs(self, input_to_state: Tensor) -> Tensor:
        """Compute h of all directions, `(directions, batch, height, width, hidden)`, from the input-to-state map."""
        order = self.scan_order(*input_to_state.shape[:3])
        return lstm_outputs(self.to_directions(input_to_state), self.lstm_weights(), order)

    def states(self, input_to_state: Tensor, dtype: DType) -> tuple[Tensor, Tensor]:
        """Compute `(h, c)` of all directions in `dtype`; without the hand-written gradient of `outputs`."""
        order = self.scan_order(*input_to_state.shape[:3])
        inputs = self.to_directions(ops.cast(input_to_state, dtype))
        return lstm_states(inputs, LSTMWeights(*(ops.cast(w, dtype) for w in self.lstm_weights())), order)

    def lstm_weights(self) -> LSTMWeights:
        """The weights of Equation 3."""
        return LSTMWeights(self.state_to_state, self.initial_h, self.initial_c)

    @abc.abstractmethod
    def to_directions(self, input_to_state: Tensor) -> Tensor:
        """Split the map `(batch, height, width, directions * 4 * hidden)` into `(directions, ..., 4 * hidden)`."""

    @abc.abstractmethod
    def from_directions(self, h: Tensor) -> Tensor:
        """Combine `(directions, batch, height, width, hidden)` to the output `(batch, height, width, hidden)`."""

    @abc.abstractmethod
    def scan_order(self, batch: int | None, height: int, width: int) -> ScanOrder:
        """Order in which maps of this size are scanned."""

    def compute_output_shape(self, inputs_shape: Shape, condition_shape: Shape | None = None) -> Shape:
        return (*inputs_shape[:-1], self.hidden)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "channels": self.channels,
            "condition_features": self.condition_features,
        }


def _orthogonal(shape: Shape, dtype: DType) -> Tensor:
    """Orthogonal initializer for any precision: the QR decomposition is not available in half precision."""
    return ops.cast(keras.initializers.Orthogonal()(shape, dtype=at_least_float32(dtype)), dtype)
