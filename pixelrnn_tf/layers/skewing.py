"""Skew maps so that their diagonals become columns, the steps of the Diagonal BiLSTM (paper section 3.2, Figure 3).

Figure 3 for a map of 3 x 4 pixels, with dots for padding:

        a b c d              a b c d . .         The left and the upper neighbor of a pixel are in the previous
        e f g h   skewed:    . e f g h .         column: for f these are e, in the same row, and b, in the row
        i j k l              . . i j k l         above. So the column c, f, i can be computed in one step.

A skewed map is half padding: its first and last columns are short. Placing images end to end on a strip wastes less,
since the short last columns of one and the short first ones of the next form full columns. m images of W columns and H
rows take m * W + H - 1 steps instead of m * (W + H - 1). The state is reset at the start of each image, so the result
is the same.
"""

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.scan_order import ScanOrder
from pixelrnn_tf.typing import Tensor


def skew(inputs: Tensor) -> Tensor:
    """Move row r to the right by r pixels.

    Args:
        inputs: map `(batch, height, width, features)`; height, width and features are static.

    Returns:
        `(batch, height, width + height - 1, features)`, with zeros as padding.

    Example:

    >>> import numpy as np
    >>> np.array(skew(np.array([[1, 2, 3], [4, 5, 6]])[None, ..., None]))[0, ..., 0]
    array([[1, 2, 3, 0],
           [0, 4, 5, 6]])
    """
    _, height, width, features = inputs.shape
    # With `height` zeros after every row, row r starts r places later in rows that are one place shorter.
    padded = ops.pad(inputs, ((0, 0), (0, 0), (0, height), (0, 0)))
    flat = ops.reshape(padded, (-1, height * (width + height), features))
    return ops.reshape(flat[:, : height * (width + height - 1)], (-1, height, width + height - 1, features))


def unskew(inputs: Tensor) -> Tensor:
    """Undo `skew`.

    Args:
        inputs: map `(batch, height, width + height - 1, features)`.

    Returns:
        `(batch, height, width, features)`.
    """
    _, height, columns, features = inputs.shape
    flat = ops.reshape(inputs, (-1, height * columns, features))
    flat = ops.pad(flat, ((0, 0), (0, height), (0, 0)))
    return ops.reshape(flat, (-1, height, columns + 1, features))[:, :, : columns + 1 - height]


def diagonal_order(batch: int | None, height: int, width: int) -> ScanOrder:
    """Make the scan over diagonals: a step is a column of the skewed strips.

    Args:
        batch: number of images, or None if it is not known in advance.
        height: height of the maps.
        width: width of the maps.
    """
    images = images_per_strip(batch, height)
    columns = images * width

    def to_steps(maps: Tensor) -> Tensor:
        directions, features = maps.shape[0], maps.shape[-1]
        if images > 1:
            maps = ops.reshape(maps, (directions, -1, images, height, width, features))
            maps = ops.transpose(maps, (0, 1, 3, 2, 4, 5))
        skewed = skew(ops.reshape(maps, (-1, height, columns, features)))
        skewed = ops.reshape(skewed, (directions, -1, height, columns + height - 1, features))
        return ops.transpose(skewed, (3, 0, 1, 2, 4))

    def from_steps(steps: Tensor) -> Tensor:
        directions, features = steps.shape[1], steps.shape[-1]
        skewed = ops.transpose(steps, (1, 2, 3, 0, 4))
        maps = unskew(ops.reshape(skewed, (-1, height, columns + height - 1, features)))
        if images > 1:
            maps = ops.reshape(maps, (directions, -1, height, images, width, features))
            maps = ops.transpose(maps, (0, 1, 3, 2, 4, 5))
        return ops.reshape(maps, (directions, -1, height, width, features))

    first_column = (np.arange(columns + height - 1)[:, None] - np.arange(height)) % width == 0
    above, left = (-1, 0), (0, -1)
    return ScanOrder(
        to_steps=to_steps,
        from_steps=from_steps,
        neighbors=(above, left),
        position_axis=0,
        edge_is_initial=True,
        reset_mask=first_column,
    )


def images_per_strip(batch: int | None, height: int) -> int:
    """Number of images per strip: the largest divisor of the batch that leaves enough positions in a step.

    More images per strip mean less padding, but more and smaller steps. On the CPU, a step of 64 positions (128 in both
    directions together) is still worth its overhead. This was measured for 8 to 128 units and batches of 4 to 64:
    within 5 % of the best length, and 8 to 25 % faster than one image per strip. On other devices the time of a step
    hardly depends on its size up to a few thousand positions; the limit of 4096 used for them was not measured.

    Args:
        batch: number of images; None if unknown, which gives one image per strip.
        height: height of the maps, which is the number of positions that a strip adds to a step.
    """
    if not batch:
        return 1
    enough = 64 if len(keras.distribution.list_devices("cpu")) == len(keras.distribution.list_devices()) else 4096
    return max(m for m in range(1, batch + 1) if batch % m == 0 and (m == 1 or batch // m * height >= enough))
