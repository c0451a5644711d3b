"""Muon, an optimizer for the kernels of convolutions and recurrences."""

import math
import re
from typing import Any

import keras
from keras import ops

# Weights of two or more axes for which Adam is better: initial states, the layer of the logits, tables of embeddings.
FOR_ADAM = ("(^|/)initial_[hc]$", "(^|/)logits/", "embedding")


@keras.saving.register_keras_serializable("pixelrnn_tf")
class Muon(keras.optimizers.Muon):
    """Muon (Jordan et al. 2024) for the networks of this package, which learn gray and color levels faster with it.

    A step moves a kernel by nearly the nearest orthogonal matrix to its Nesterov momentum (its singular values are
    about 0.7 to 1.1), so that all directions are learned about equally fast. The matrix of a kernel has a row for each
    tap and input, and a column for each output. `keras.optimizers.Muon` is for dense layers: it leaves kernels of
    convolutions, which have four axes, to Adam. Biases, initial states, embeddings and the layer of the logits are left
    to Adam here. Steps are scaled (Liu et al. 2025) so that rates for Adam suit Muon too.

    Args:
        learning_rate: learning rate, of Muon and of Adam; a float or a schedule.
        weight_decay: decoupled weight decay; None for none.
        exclude_layers: regular expressions; Adam updates weights in whose path one is found, and those of one axis.
        **options: other arguments of `keras.optimizers.Muon`, such as `use_ema` and `global_clipnorm`.
            `exclude_embeddings` has no effect: pass other `exclude_layers`.

    Example:
        >>> import pixelrnn_tf
        >>> model = pixelrnn_tf.PixelRNN((8, 8, 1), levels=17, block="pixel_cnn", num_blocks=2, hidden=8, head_hidden=8)
        >>> model.compile(pixelrnn_tf.Muon(3e-3))
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        weight_decay: float | None = None,
        exclude_layers: tuple[str, ...] = FOR_ADAM,
        **options: Any,
    ):
        options.setdefault("adam_weight_decay", weight_decay)
        super().__init__(learning_rate, weight_decay=weight_decay, exclude_layers=list(exclude_layers), **options)

    def _should_use_adamw(self, variable: Any) -> bool:
        # Keras's own also returns True for everything that does not have two axes.
        return len(variable.shape) < 2 or any(re.search(name, variable.path) for name in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Orthogonalize the matrix of a kernel `x` by Newton-Schulz iterations; the result has the shape of `x`."""
        return ops.reshape(super().zeropower_via_newtonschulz5(ops.reshape(x, (-1, x.shape[-1])), steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Scale the update of a kernel to the usual size of an update of Adam."""
        if self.rms_rate is None:
            return x
        return x * (max(math.prod(x.shape[:-1]), x.shape[-1]) ** 0.5 * self.rms_rate)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the optimizer."""
        return {**super().get_config(), "rms_rate": self.rms_rate}
