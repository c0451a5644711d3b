"""The order in which the Diagonal BiLSTM runs over its maps (paper section 3.2, Figure 3).

A skewed map of one image is half padding: its columns are the diagonals, and the first and the last of them are
short. Images laid end to end on a strip waste less, since the short last diagonals of one and the short first ones
of the next add up to whole columns: m images of W columns and H rows take m * W + H - 1 steps instead of
m * (W + H - 1). The state starts anew where an image begins, so the result is the same.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.layers.conv_lstm import Order
from pixelrnn_tf.layers.skew import skew, unskew


def diagonals(batch: int | None, height: int, width: int) -> Order:
    """A step is a column of skewed strips; the pixels left of and above a pixel lie in the step before.

    Args:
        batch: number of images, or None if it is not known in advance.
        height: of the maps.
        width: of the maps.
    """
    images = images_per_strip(batch, height)
    columns = images * width

    def to_steps(maps: Any) -> Any:
        directions, features = maps.shape[0], maps.shape[-1]
        if images > 1:
            maps = ops.reshape(maps, (directions, -1, images, height, width, features))
            maps = ops.transpose(maps, (0, 1, 3, 2, 4, 5))
        skewed = skew(ops.reshape(maps, (-1, height, columns, features)))
        skewed = ops.reshape(skewed, (directions, -1, height, columns + height - 1, features))
        return ops.transpose(skewed, (3, 0, 1, 2, 4))

    def from_steps(steps: Any) -> Any:
        directions, features = steps.shape[1], steps.shape[-1]
        skewed = ops.transpose(steps, (1, 2, 3, 0, 4))
        maps = unskew(ops.reshape(skewed, (-1, height, columns + height - 1, features)))
        if images > 1:
            maps = ops.reshape(maps, (directions, -1, height, images, width, features))
            maps = ops.transpose(maps, (0, 1, 3, 2, 4, 5))
        return ops.reshape(maps, (directions, -1, height, width, features))

    first_column = (np.arange(columns + height - 1)[:, None] - np.arange(height)) % width == 0
    return Order(to_steps, from_steps, (-1, 0), ((-1, 0), (0, -1)), edge_is_initial=True, restart=first_column)


def images_per_strip(batch: int | None, height: int) -> int:
    """How many images lie on a strip: the largest divisor of the batch that leaves a step enough positions.

    More images on a strip mean less padding, and more and smaller steps. On the CPU a step of 64 positions, of
    both directions together 128, is still worth its overhead (measured for 8 to 128 units and batches of 4 to 64:
    within 5 % of the best length, and 8 to 25 % faster than one image on a strip). Other devices take about
    the same time for a step of any few thousand positions; their number, 4096, was not measured.

    Args:
        batch: number of images; None if it is not known in advance, which leaves one image on every strip.
        height: of the maps, which is the number of positions a strip adds to a step.
    """
    if not batch:
        return 1
    enough = 64 if len(keras.distribution.list_devices("cpu")) == len(keras.distribution.list_devices()) else 4096
    return max(m for m in range(1, batch + 1) if batch % m == 0 and (m == 1 or batch // m * height >= enough))
