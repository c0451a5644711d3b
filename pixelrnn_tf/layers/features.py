"""Operations on the features of maps, in the form that XLA runs fastest."""

from keras import ops

from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Shape, Tensor


@ops.custom_gradient
def add_bias(outputs: Tensor, bias: Tensor) -> Tensor:
    """Compute `outputs + bias`.

    The gradient of the bias, a sum over all positions, is computed as a product with ones: XLA on the CPU takes several
    times as long to sum the columns of a matrix.

    Args:
        outputs: `(..., features)`.
        bias: `(features,)`, of the same dtype.

    Returns:
        `(..., features)`.
    """

    def gradient(*upstream: Tensor) -> tuple[Tensor, Tensor]:
        (d_outputs,) = upstream
        flat = ops.reshape(d_outputs, (-1, d_outputs.shape[-1]))
        ones = ops.ones((1, ops.shape(flat)[0]), flat.dtype)
        return d_outputs, ops.matmul(ones, flat)[0]

    return outputs + bias, gradient


@ops.custom_gradient
def add_projection(outputs: Tensor, vectors: Tensor, matrix: Tensor, bias: Tensor) -> Tensor:
    """Compute `outputs + vectors @ matrix + bias`, where each image has one vector for all its positions.

    The gradient is written by hand: these products are so small that launching operations dominates, and automatic
    differentiation launches more of them.

    Args:
        outputs: `(batch, height, width, n)`.
        vectors: `(batch, 1, 1, m)`, of the same dtype, as are the others.
        matrix: `(m, n)`.
        bias: `(n,)`.

    Returns:
        `(batch, height, width, n)`.
    """
    flat = ops.reshape(vectors, (-1, matrix.shape[0]))

    def gradient(*upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        (d_outputs,) = upstream
        sums = _sums_per_image(d_outputs)
        d_vectors = ops.matmul(sums, ops.transpose(matrix))[:, None, None]
        return d_outputs, d_vectors, ops.matmul(ops.transpose(flat), sums), ops.sum(sums, axis=0)

    offset = ops.matmul(flat, matrix) + bias
    return outputs + offset[:, None, None], gradient


def _sums_per_image(maps: Tensor) -> Tensor:
    """Sum maps `(batch, height, width, features)` over all positions, to `(batch, features)`.

    The two halves of the positions are added first, which is fast on the CPU with and without XLA. XLA takes several
    times as long for a plain sum, TensorFlow for a product with ones. Sums are in float32 or wider: TensorFlow on the
    CPU sums float16 in float16, which cannot count past 2,048 ones.
    """
    batch, height, width, features = ops.shape(maps)
    positions = height * width
    flat = ops.cast(ops.reshape(maps, (batch, positions, features)), at_least_float32(maps.dtype))
    half = positions // 2
    sums = ops.sum(flat[:, :half] + flat[:, positions - half :], axis=1)
    return ops.cast(sums + flat[:, half] if positions % 2 else sums, maps.dtype)


def side_by_side(values: list[Tensor]) -> Tensor:
    """Concatenate features.

    Implemented as a stack along a new axis, which XLA vectorizes. It computes a concatenation of few features one by
    one.

    Args:
        values: tensors `(..., features)` of one shape.

    Returns:
        `(..., len(values) * features)`.
    """
    if len(values) == 1:
        return values[0]
    stacked = ops.stack(values, axis=-2)
    return ops.reshape(stacked, (*sizes_for_reshape(values[0])[:-1], len(values) * values[0].shape[-1]))


def feature_product(values: Tensor, matrix: Tensor) -> Tensor:
    """Multiply the features at every position by a matrix.

    Implemented as a product of two matrices: with more axes and an unknown batch size, TensorFlow would compute the
    shapes in every step of a loop.

    Args:
        values: `(..., m)`.
        matrix: `(m, n)`.

    Returns:
        `(..., n)`.
    """
    flat = ops.matmul(ops.reshape(values, (-1, matrix.shape[0])), matrix)
    return ops.reshape(flat, (*sizes_for_reshape(values)[:-1], matrix.shape[-1]))


def sizes_for_reshape(values: Tensor) -> Shape:
    """Sizes of a tensor for `ops.reshape`: a single unknown one is left to it as -1.

    `ops.shape` would return a tensor for it, which TensorFlow computes on every run of the graph.
    """
    known = tuple(values.shape)
    return tuple(-1 if n is None else n for n in known) if known.count(None) == 1 else tuple(ops.shape(values))
