"""Embedding of codes: values of a sub-pixel without an order."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import check_stored_weights
from pixelrnn_tf.typing import Config, DType, Shape, Tensor

# Limit of the number of codes; a codebook of 8,192 is the largest in common use.
MAX_CODES = 8192


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class CodeEmbedding(keras.layers.Layer):
    """Learned vector for each code, with separate vectors for every channel.

    Codes, such as those of a VQ-VAE, are names, not quantities: code 7 is not between 6 and 8, as a scaled number would
    say.

    Reference: van den Oord, Vinyals, Kavukcuoglu 2017, *Neural Discrete Representation Learning*, section 3.

    Args:
        codes: number of codes of a channel, 2 to 8,192.
        features: number of features of a vector.
        channels: number of channels.

    Call arguments:
        inputs: integers `(..., channels)` in `[0, codes)`. Other integers are clipped.

    Output shape:
        `(..., channels * features)`: the vectors of the channels, one after the other, so that the color groups of the
        masks are those of the channels.

    Example:

    >>> embedding = CodeEmbedding(codes=512, features=16)
    >>> embedding(np.zeros((1, 7, 7, 1), "int32")).shape
    TensorShape([1, 7, 7, 16])
    """

    def __init__(self, codes: int, features: int, channels: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.codes = checked_integer("codes", codes, 2, MAX_CODES)
        self.features = checked_integer("features", features, 1)
        self.channels = checked_integer("channels", channels, 1)

    def build(self, inputs_shape: Shape) -> None:
        # Same scale as levels, which are from -1 to 1.
        initializer = keras.initializers.RandomUniform(-1.0, 1.0)
        shape = (self.channels * self.codes, self.features)
        self.embeddings = self.add_weight(name="embeddings", shape=shape, initializer=initializer)

    def load_own_variables(self, store: Any) -> None:
        check_stored_weights(self, store)
        super().load_own_variables(store)

    def embed(self, codes: Tensor, dtype: DType) -> Tensor:
        """Look up the vectors in `dtype`, whatever the layer's dtype policy; arguments and result are those of `call`.

        Raises:
            ValueError: if the last axis of `codes` has another size than `channels`.
        """
        if codes.shape[-1] != self.channels:
            raise ValueError(f"Codes must have the shape (..., {self.channels}); got {tuple(codes.shape)}.")
        index = ops.clip(ops.cast(codes, "int32"), 0, self.codes - 1)
        index = index + ops.arange(self.channels, dtype="int32") * self.codes
        # The product makes the gradient a dense tensor: that of a look-up in a variable would be tf.IndexedSlices.
        vectors = ops.take(ops.cast(self.embeddings, dtype) * ops.ones((), dtype), index, axis=0)
        return ops.reshape(vectors, (*ops.shape(codes)[:-1], self.channels * self.features))

    def call(self, inputs: Tensor) -> Tensor:
        return self.embed(inputs, self.compute_dtype)

    @staticmethod
    def count_weights(codes: int, features: int, channels: int) -> int:
        """Number of weights, computed without creating them."""
        return channels * codes * features

    def compute_output_shape(self, inputs_shape: Shape) -> Shape:
        return (*inputs_shape[:-1], self.channels * self.features)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "codes": self.codes,
            "features": self.features,
            "channels": self.channels,
        }
