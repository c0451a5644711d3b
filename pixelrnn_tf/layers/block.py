"""Base class of the residual blocks (paper section 3.3)."""

import abc
from typing import Any

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import checked_bool
from pixelrnn_tf.layers.composition import Apply, CompositeLayer
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D
from pixelrnn_tf.typing import Config, Tensor


class Block(CompositeLayer):
    """Base class of the blocks: their arguments and the residual connection.

    Args:
        hidden: number h of features inside the block; the map outside has 2h.
        channels: number of colors.
        residual: add the input to the output (paper section 3.3).
        condition_features: features of the conditioning map; 0 for none.

    Call arguments:
        inputs: map `(batch, height, width, 2 * hidden)`.
        condition: map `(batch, height, width, condition_features)`; required if `condition_features` is not 0.

    Output shape:
        same as `inputs`.
    """

    def __init__(
        self, hidden: int, channels: int = 1, residual: bool = True, condition_features: int = 0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.hidden = checked_integer("hidden", hidden, 1)
        self.channels = checked_integer("channels", channels, 1)
        self.residual = checked_bool("residual", residual)
        self.condition_features = checked_integer("condition_features", condition_features, 0)

    @classmethod
    @abc.abstractmethod
    def count_weights(cls, hidden: int, condition_features: int = 0) -> int:
        """Number of weights, computed without creating them."""

    @abc.abstractmethod
    def transform(self, x: Tensor, apply: Apply) -> Tensor:
        """Compute the block without its residual connection, in terms of its parts; see `compose`.

        The last part gives the outputs. Where its weights are zero, the block passes its input on.
        """

    def compose(self, x: Tensor, apply: Apply) -> Tensor:
        outputs = self.transform(x, apply)
        return x + outputs if self.residual else outputs

    def conv(self, filters: int, kernel_size: int, name: str, **arguments: Any) -> MaskedConv2D:
        """A mask B convolution of this block."""
        return MaskedConv2D(filters, kernel_size, "B", self.channels, dtype=self.dtype_policy, name=name, **arguments)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "hidden": self.hidden,
            "channels": self.channels,
            "residual": self.residual,
            "condition_features": self.condition_features,
        }
