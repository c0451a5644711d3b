"""Which pixels each network of a model counts, and so the codec writes."""

from typing import NamedTuple

import numpy as np

from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.models.scales import new_pixels


class CodedScale(NamedTuple):
    """One of the scales of a model.

    Attributes:
        network: of every `stride`-th pixel.
        stride: 1 for the last scale.
        coded: the pixels that no scale before it has coded, bool `(height, width)` of the network's images.
    """

    network: PixelRNN
    stride: int
    coded: np.ndarray


def coded_scales(model: ImageModel) -> list[CodedScale]:
    """The scales of a model, from the smallest image to the whole, in the order in which a file holds them."""
    scales = model.scales()
    height, width, _ = model.image_shape
    of_scales = new_pixels(height, width, [stride for _, stride in scales])
    return [
        CodedScale(network, stride, new[::stride, ::stride])
        for (network, stride), new in zip(scales, of_scales, strict=True)
    ]
