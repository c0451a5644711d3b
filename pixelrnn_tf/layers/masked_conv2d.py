"""The masked convolution (paper section 3.4), of whole maps and of one pixel at a time."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.layers.features import add_bias, side_by_side
from pixelrnn_tf.layers.masks import kernel_mask


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class MaskedConv2D(keras.layers.Layer):
    """2D convolution of stride 1 that reads no pixel and no colour that is not yet known.

    The mask multiplies the kernel in every call, so that it holds for any value the weights take. The rows
    below the centre are not computed, nor the taps right of it if there is a single row; the kernel weight
    keeps its full size.

    Reference: van den Oord et al. 2016, sections 2.2 and 3.4, Figure 2.

    Args:
        filters: number of output features.
        kernel_size: one odd number, or `(height, width)`, both odd.
        mask_type: "A" for the layer that reads the image, "B" for every later one.
        channels: number of colours; the features are split into as many groups.
        gates: number of equal runs of output features that are each split into groups, 4 for the gates of
            one LSTM.
        bias_initializer: initializer of the bias.
        condition_features: features of the conditioning map; 0 for none. An unmasked 1x1 projection of it is
            added to the output (section 3.6).

    Call arguments:
        inputs: map `(batch, height, width, features)`.
        condition: map `(batch, height, width, condition_features)`, exactly if the layer was made for one.

    Output shape:
        `(batch, height, width, filters)`.

    Example:

    >>> stem = MaskedConv2D(32, 7, mask_type="A", channels=3)
    >>> stem(np.zeros((1, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 32])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        mask_type: str,
        channels: int = 1,
        gates: int = 1,
        bias_initializer: Any = "zeros",
        condition_features: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.mask_type = mask_type
        self.channels = channels
        self.gates = gates
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.condition_features = condition_features
        # Wrong arguments are reported here, where they were written, and not at the first call.
        kernel_mask(mask_type, self.kernel_size, channels, filters, channels, gates)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        features = check_map_shape(self, input_shape)
        self.mask = kernel_mask(self.mask_type, self.kernel_size, features, self.filters, self.channels, self.gates)
        self.kernel = self.add_weight(name="kernel", shape=self.mask.shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer=self.bias_initializer)
        if self.condition_features:
            self.condition_kernel = self.add_weight(
                name="condition_kernel",
                shape=(self.condition_features, self.filters),
                initializer="glorot_uniform",
            )

    def masked_kernel(self) -> Any:
        """The kernel times its mask, without the taps that are closed to every group.

        Returns:
            `(height // 2 + 1, width, features, filters)`, or `(1, width // 2 + 1, ...)` for a single row.
        """
        height, width = self.kernel_size
        rows, columns = height // 2 + 1, width if height > 1 else width // 2 + 1
        return self.kernel[:rows, :columns] * ops.cast(self.mask[:rows, :columns], self.kernel.dtype)

    def call(self, inputs: Any, condition: Any = None) -> Any:
        outputs = self._convolve(inputs, ops.cast(self.masked_kernel(), inputs.dtype))
        if self.condition_features:
            return outputs + ops.cast(self.offset(condition), outputs.dtype)
        check_condition(self, condition)
        return add_bias(outputs, ops.cast(self.bias, outputs.dtype))

    def _convolve(self, inputs: Any, kernel: Any) -> Any:
        rows, columns, features, _ = kernel.shape
        if (rows, columns) == (1, 1):
            # As a product, whose gradient XLA computes faster than that of a convolution.
            outputs = ops.matmul(ops.reshape(inputs, (-1, features)), kernel[0, 0])
            return ops.reshape(outputs, (*ops.shape(inputs)[:3], self.filters))
        left = self.kernel_size[1] // 2
        padded = ops.pad(inputs, ((0, 0), (rows - 1, 0), (left, columns - 1 - left), (0, 0)))
        outputs = ops.conv(padded, kernel, padding="valid", data_format="channels_last")
        # oneDNN gives the convolution of an empty batch the shape of its input.
        return ops.reshape(outputs, (*ops.shape(inputs)[:3], self.filters))

    def offset(self, condition: Any) -> Any:
        """The bias plus the projection of the condition: what does not depend on the image.

        Raises:
            ValueError: if a condition is missing, or given to a layer made for none.
        """
        check_condition(self, condition)
        return self.bias if condition is None else ops.matmul(condition, self.condition_kernel) + self.bias

    def steps(self) -> "MaskedConv2DSteps":
        """The same layer one row and one pixel at a time."""
        return MaskedConv2DSteps(self)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], condition_shape: Any = None
    ) -> tuple[int | None, ...]:
        return (*inputs_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "mask_type": self.mask_type,
            "channels": self.channels,
            "gates": self.gates,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "condition_features": self.condition_features,
        }


class MaskedConv2DSteps:
    """`MaskedConv2D` one row and one pixel at a time; see `pixelrnn_tf.sampling.steps`.

    The cache is the input of the last rows, as many as the kernel has above its centre. What is known to the
    left of a pixel are the inputs of the last pixels, side by side.
    """

    def __init__(self, layer: MaskedConv2D):
        self.layer = layer
        kernel = ops.cast(layer.masked_kernel(), "float32")
        self.rows, self.reach = kernel.shape[0] - 1, layer.kernel_size[1] // 2
        self.features = kernel.shape[2]
        self.upper = ops.reshape(kernel[:-1], (-1, layer.filters))
        self.matrix = ops.reshape(kernel[-1, : self.reach + 1], ((self.reach + 1) * self.features, layer.filters))
        self.bias = ops.cast(layer.bias, "float32")

    def offset(self, condition: Any) -> Any:
        """What does not depend on the image."""
        return ops.cast(self.layer.offset(condition), "float32")

    def start(self, batch: Any, width: int) -> Any:
        return ops.zeros((batch, self.rows, width, self.features)) if self.rows else ()

    def fill(self, maps: Any, condition: Any, row: Any) -> tuple[Any, Any]:
        cache = ()
        if self.rows:
            cache = rows_before(ops.pad(maps, ((0, 0), (self.rows, 0), (0, 0), (0, 0))), row, self.rows)
        return self.layer.call(maps, condition), cache

    def above(self, cache: Any, condition: Any) -> Any:
        offset = self.offset(condition)
        if not self.rows:
            return () if condition is None else offset
        width = cache.shape[2]
        padded = ops.pad(cache, ((0, 0), (0, 0), (self.reach, self.reach), (0, 0)))
        taps = [padded[:, k, tap : tap + width] for k in range(self.rows) for tap in range(2 * self.reach + 1)]
        return ops.matmul(side_by_side(taps), self.upper) + offset

    def left(self, batch: Any) -> Any:
        return ops.zeros((batch, self.reach * self.features)) if self.reach else ()

    def step(self, x: Any, above: Any, left: Any) -> tuple[Any, Any, Any]:
        values = ops.concatenate([left, x], axis=-1) if self.reach else x
        outputs = ops.matmul(values, self.matrix) + (self.bias if isinstance(above, tuple) else above)
        return outputs, values[:, self.features :] if self.reach else (), x if self.rows else ()

    def finish(self, cache: Any, record: Any, condition: Any) -> Any:
        return ops.concatenate([cache[:, 1:], record[:, None]], axis=1) if self.rows else ()


def rows_before(maps: Any, row: Any, number: int) -> Any:
    """Rows `row` to `row + number - 1` of a map padded with `number` rows at the top: those before `row`."""
    batch, _, width, features = ops.shape(maps)
    return ops.slice(maps, ops.stack([0, row, 0, 0]), (batch, number, width, features))


def check_map_shape(layer: keras.layers.Layer, shape: tuple[int | None, ...], features: int | None = None) -> int:
    """Check that `shape` is that of a map `(batch, height, width, features)` and return its features.

    Raises:
        ValueError: if it has another rank, an unknown number of features, or other than `features`.
    """
    if len(shape) != 4 or shape[-1] is None or features not in (None, shape[-1]):
        expected = "features, a number known in advance" if features is None else f"{features} features"
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} takes a map (batch, height, width, {expected}); "
            f"got the shape {tuple(shape)}."
        )
    return shape[-1]


def check_condition(layer: keras.layers.Layer, condition: Any) -> None:
    """Check that a condition is given exactly to a layer made for one.

    Raises:
        ValueError: if one is missing, or given to a layer made for none.
    """
    if bool(layer.condition_features) != (condition is not None):
        given = "none was given" if condition is None else f"one of shape {tuple(condition.shape)} was given"
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} was made with condition_features={layer.condition_features}, "
            f"and {given}. Pass a conditioning map exactly when condition_features is not 0."
        )
