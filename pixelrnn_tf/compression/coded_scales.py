"""Pixels that each network of a model counts, and that the codec therefore writes."""

from typing import NamedTuple

import numpy as np

from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.models.scales import new_pixels


class CodedScale(NamedTuple):
    """One scale of a model.

    Attributes:
        network: network for every `stride`-th pixel.
        stride: distance between its pixels; 1 for the last scale.
        coded: pixels that no earlier scale has coded, bool `(height, width)` of the network's images.
    """

    network: PixelRNN
    stride: int
    coded: np.ndarray


def coded_scales(model: ImageModel) -> list[CodedScale]:
    """List the scales of a model, from the smallest image to the full one, in the order of the file."""
    scales = model.scales()
    height, width, _ = model.image_shape
    of_scales = new_pixels(height, width, [stride for _, stride in scales])
    return [
        CodedScale(network, stride, new[::stride, ::stride])
        for (network, stride), new in zip(scales, of_scales, strict=True)
    ]
