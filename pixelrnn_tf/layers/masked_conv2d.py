"""The masked convolution (paper section 3.4), on full maps and pixel by pixel."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import check_condition, check_map_shape, checked_bool
from pixelrnn_tf.layers.features import add_bias, add_projection, feature_product, side_by_side
from pixelrnn_tf.layers.incremental import IncrementalForm, IncrementalLayer, Tensors, rows_before
from pixelrnn_tf.layers.masks import kernel_mask
from pixelrnn_tf.typing import Config, DType, Shape, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class MaskedConv2D(IncrementalLayer):
    """2D convolution with stride 1 that reads only pixels and colors that are already known.

    The mask multiplies the kernel in every call, so it applies to any value of the weights. The kernel variable keeps
    its full size, but the rows below the center are not computed, nor, for a single row, the taps to the right of it.

    Reference: van den Oord et al. 2016, sections 2.2 and 3.4, Figure 2.

    Args:
        filters: number of output features.
        kernel_size: one odd number, or `(height, width)`, both odd.
        mask_type: "A" for the layer that reads the image, "B" for every later one.
        channels: number of colors; the features are split into as many groups.
        gates: number of equal parts of the output features that are each split into color groups; 4 for the gates of
            one LSTM.
        bias_initializer: initializer of the bias.
        condition_features: features of the conditioning map; 0 for none. An unmasked 1x1 projection of it is
            added to the output (section 3.6).
        activation: elementwise function of the output; None for none.
        use_bias: add a bias to the output.
        kernel_initializer: initializer of the unmasked kernel and of the projection.
        pre_activation: elementwise function of the inputs with f(0) = 0; None for none. It is applied to the padded
            map, so that one tensor serves its own gradient and that of the kernel.

    Call arguments:
        inputs: map `(batch, height, width, features)`.
        condition: map `(batch, height, width, condition_features)`, or `(batch, 1, 1, condition_features)` if it is the
            same at every pixel; required if `condition_features` is not 0.

    Output shape:
        `(batch, height, width, filters)`.

    Example:

    >>> import numpy as np
    >>> stem = MaskedConv2D(32, 7, mask_type="A", channels=3)
    >>> stem(np.zeros((1, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 32])
    """

    parallel_members = ("_convolve",)

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        mask_type: str,
        channels: int = 1,
        gates: int = 1,
        bias_initializer: Any = "zeros",
        condition_features: int = 0,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        pre_activation: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = checked_integer("filters", filters, 1)
        sizes = kernel_size if isinstance(kernel_size, tuple | list) else (kernel_size, kernel_size)
        if len(sizes) != 2:
            raise ValueError(f"kernel_size must be one odd number or (height, width), got {kernel_size!r}.")
        self.kernel_size = checked_integer("kernel_size", sizes[0], 1), checked_integer("kernel_size", sizes[1], 1)
        self.mask_type = mask_type
        self.channels = checked_integer("channels", channels, 1)
        self.gates = checked_integer("gates", gates, 1)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.condition_features = checked_integer("condition_features", condition_features, 0)
        self.activation = keras.activations.get(activation)
        self.use_bias = checked_bool("use_bias", use_bias)
        # A name is kept until the weights are created: every initializer made from it draws its own seed.
        is_name = isinstance(kernel_initializer, str)
        self.kernel_initializer = kernel_initializer if is_name else keras.initializers.get(kernel_initializer)
        self.pre_activation = keras.activations.get(pre_activation)
        at_zero = concrete_value(self.pre_activation(ops.zeros(())))
        if at_zero is not None and at_zero != 0:
            raise ValueError(f"pre_activation must map 0, which pads the map, to 0, like relu; got {pre_activation!r}.")
        # Report invalid arguments here, where they are written, and not at the first call.
        kernel_mask(mask_type, self.kernel_size, self.channels, self.filters, self.channels, self.gates)

    def build(self, inputs_shape: Shape) -> None:
        features = check_map_shape(self, inputs_shape)
        self.mask = kernel_mask(self.mask_type, self.kernel_size, features, self.filters, self.channels, self.gates)
        self.kernel = self.add_weight(name="kernel", shape=self.mask.shape, initializer=self._new_initializer())
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer=self.bias_initializer)
        if self.condition_features:
            self.condition_kernel = self.add_weight(
                name="condition_kernel",
                shape=(self.condition_features, self.filters),
                initializer=self._new_initializer(),
            )

    def _new_initializer(self) -> Any:
        """Make a separate initializer for each weight: using one twice would give the same numbers twice."""
        initializer = self.kernel_initializer
        return initializer.clone() if isinstance(initializer, keras.initializers.Initializer) else initializer

    def masked_kernel(self) -> Tensor:
        """Multiply the kernel by its mask, without the taps that are closed to every group.

        Returns:
            `(height // 2 + 1, width, features, filters)`, or `(1, width // 2 + 1, ...)` for a single row.
        """
        height, width = self.kernel_size
        rows, columns = height // 2 + 1, width if height > 1 else width // 2 + 1
        mask = ops.cast(self.mask[:rows, :columns], self.kernel.dtype)
        return (self.kernel if mask.shape == self.kernel.shape else self.kernel[:rows, :columns]) * mask

    def call(self, inputs: Tensor, condition: Tensor | None = None) -> Tensor:
        check_condition(self, condition)
        outputs = self._convolve(inputs, ops.cast(self.masked_kernel(), inputs.dtype))
        if condition is not None and tuple(condition.shape[1:3]) == (1, 1):
            vectors, matrix = (ops.cast(term, outputs.dtype) for term in (condition, self.condition_kernel))
            outputs = add_projection(outputs, vectors, matrix, self.bias_or_zeros(outputs.dtype))
        elif condition is not None:
            outputs = outputs + self.offset(condition, outputs.dtype)
        elif self.use_bias:
            outputs = add_bias(outputs, ops.cast(self.bias, outputs.dtype))
        return self.activation(outputs)

    def _convolve(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        rows, columns = kernel.shape[:2]
        if (rows, columns) == (1, 1):
            # XLA computes the gradient of a matrix product faster than that of a convolution.
            return feature_product(self.pre_activation(inputs), kernel[0, 0])
        left = self.kernel_size[1] // 2
        padded = ops.pad(inputs, ((0, 0), (rows - 1, 0), (left, columns - 1 - left), (0, 0)))
        outputs = ops.conv(self.pre_activation(padded), kernel, padding="valid", data_format="channels_last")
        # oneDNN gives the convolution of an empty batch the shape of its input.
        return ops.reshape(outputs, (*ops.shape(inputs)[:3], self.filters))

    def bias_or_zeros(self, dtype: DType) -> Tensor:
        """The bias in `dtype`, `(filters,)`; zeros if the layer has no bias."""
        return ops.cast(self.bias, dtype) if self.use_bias else ops.zeros(self.filters, dtype)

    def offset(self, condition: Tensor | None, dtype: DType) -> Tensor:
        """Compute the bias plus the projection of the condition, which do not depend on the image, in `dtype`.

        Raises:
            ValueError: if a required condition is missing, or the layer takes none.
        """
        check_condition(self, condition)
        bias = self.bias_or_zeros(dtype)
        if condition is None:
            return bias
        return feature_product(ops.cast(condition, dtype), ops.cast(self.condition_kernel, dtype)) + bias

    def incremental(self, dtype: DType = "float32") -> "IncrementalMaskedConv2D":
        return IncrementalMaskedConv2D(self, dtype)

    def compute_output_shape(self, inputs_shape: Shape, condition_shape: Shape | None = None) -> Shape:
        return (*inputs_shape[:-1], self.filters)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "channels": self.channels,
            "gates": self.gates,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "condition_features": self.condition_features,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer
            if isinstance(self.kernel_initializer, str)
            else keras.initializers.serialize(self.kernel_initializer),
            "pre_activation": keras.activations.serialize(self.pre_activation),
        }


def count_conv_weights(inputs: int, outputs: int, taps: int = 1, condition_features: int = 0) -> int:
    """Number of weights of a `MaskedConv2D`: its kernel, its bias and the projection of a conditioning map.

    Args:
        inputs: number of input features.
        outputs: number of output features.
        taps: size of the kernel, height times width, masked taps included.
        condition_features: features of the conditioning map; 0 for none.
    """
    return (taps * inputs + 1 + condition_features) * outputs


class IncrementalMaskedConv2D(IncrementalForm):
    """`MaskedConv2D` row by row and pixel by pixel.

    Inputs are those after the pre-activation. Cache `rows`: the inputs of the last rows, one per kernel row above the
    center, `(batch, rows, width, features)`. Context `sums`: contribution of these rows and of the offset to the
    output. State `inputs`: the concatenated inputs of the last pixels, one per kernel column left of the center. Record
    `inputs`: of the pixel. A kernel with one row has no cache, a kernel with one column no state.
    """

    layer: MaskedConv2D

    def __init__(self, layer: MaskedConv2D, dtype: DType):
        super().__init__(layer, dtype)
        kernel = self.cast(layer.masked_kernel())
        self.rows, self.reach, self.features = kernel.shape[0] - 1, layer.kernel_size[1] // 2, kernel.shape[2]
        if self.rows:
            self.upper = ops.reshape(kernel[:-1], (-1, layer.filters))
            kernel = kernel[-1, : self.reach + 1]
        self.matrix = ops.reshape(kernel, ((self.reach + 1) * self.features, layer.filters))
        self.bias = layer.bias_or_zeros(self.dtype)

    def offset(self, condition: Tensor | None) -> Tensor:
        """Part of the output that does not depend on the image."""
        return self.layer.offset(condition, self.dtype)

    def initial_cache(self, batch: int | Tensor, width: int) -> Tensors:
        return {"rows": ops.zeros((batch, self.rows, width, self.features), self.dtype)} if self.rows else {}

    def prefill(self, maps: Tensor, condition: Tensor | None, row: Tensor) -> tuple[Tensor, Tensors]:
        cache = {"rows": rows_before(self.layer.pre_activation(maps), row, self.rows)} if self.rows else {}
        return self.layer.call(maps, condition), cache

    def row_context(self, cache: Tensors, condition: Tensor | None) -> Tensors:
        offset = self.offset(condition)
        if not self.rows:
            return {} if condition is None else {"sums": offset}  # `decode` adds the bias.
        rows = cache["rows"]
        width = rows.shape[2]
        padded = ops.pad(rows, ((0, 0), (0, 0), (self.reach, self.reach), (0, 0)))
        taps = [padded[:, k, tap : tap + width] for k in range(self.rows) for tap in range(2 * self.reach + 1)]
        return {"sums": feature_product(side_by_side(taps), self.upper) + offset}

    def initial_state(self, batch: int | Tensor) -> Tensors:
        return {"inputs": ops.zeros((batch, self.reach * self.features), self.dtype)} if self.reach else {}

    def decode(self, x: Tensor, context: Tensors, state: Tensors) -> tuple[Tensor, Tensors, Tensors]:
        x = self.layer.pre_activation(x)
        outputs, state = self.add_to(context.get("sums", self.bias), x, state)
        return self.layer.activation(outputs), state, {"inputs": x} if self.rows else {}

    def add_to(self, sums: Tensor, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Add the contribution of a pixel and its left neighbors to `sums`, and return the next state."""
        if not self.reach:
            return ops.matmul(x, self.matrix) + sums, {}
        inputs = ops.concatenate([state["inputs"], x], axis=-1)
        return ops.matmul(inputs, self.matrix) + sums, {"inputs": inputs[:, self.features :]}

    def next_cache(self, cache: Tensors, record: Tensors, condition: Tensor | None) -> Tensors:
        if not self.rows:
            return {}
        return {"rows": ops.concatenate([cache["rows"][:, 1:], record["inputs"][:, None]], axis=1)}
