"""Which pixels each network of a model counts, and so the codec writes."""

from typing import NamedTuple

import numpy as np

from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.models.scales import fixed_pixels


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
    coded: list[CodedScale] = []
    for network, stride in model.scales():
        height, width, _ = network.image_shape
        new = ~fixed_pixels(height, width, coded[-1].stride // stride) if coded else np.ones((height, width), bool)
        coded.append(CodedScale(network, stride, new))
    return coded
