"""The configurations of the paper's size table (section 5 and Table 1), and the demo's, by name."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Preset:
    """A named configuration.

    Attributes:
        arguments: arguments of `PixelRNN`.
        batch_size: images per step in the paper.
        data: the data set it is for.
        paper_score: what the paper reports for it, with data split and unit; empty if nothing.
    """

    arguments: dict[str, Any]
    batch_size: int
    data: str
    paper_score: str = ""


def _arguments(image_shape, levels, block, num_blocks, hidden, head_hidden, **rest):
    return {
        "image_shape": image_shape,
        "levels": levels,
        "block": block,
        "num_blocks": num_blocks,
        "hidden": hidden,
        "head_hidden": head_hidden,
        **rest,
    }


_MNIST = "binarised MNIST (fixed binarisation)"

PRESETS: dict[str, Preset] = {
    "digits_diagonal_bilstm": Preset(
        _arguments((8, 8, 1), 17, "diagonal_bilstm", 2, 32, 64), 32, "the 8x8 digits of scikit-learn"
    ),
    "mnist_diagonal_bilstm_7x16": Preset(
        _arguments((28, 28, 1), 2, "diagonal_bilstm", 7, 16, 32), 16, _MNIST, "79.20 nats per image, test"
    ),
    "mnist_diagonal_bilstm_1x32": Preset(
        _arguments((28, 28, 1), 2, "diagonal_bilstm", 1, 32, 32), 16, _MNIST, "80.75 nats per image, test"
    ),
    "cifar10_diagonal_bilstm": Preset(
        _arguments((32, 32, 3), 256, "diagonal_bilstm", 12, 128, 1024), 16, "CIFAR-10", "3.00 bits/dim, test"
    ),
    "cifar10_row_lstm": Preset(
        _arguments((32, 32, 3), 256, "row_lstm", 12, 128, 1024), 16, "CIFAR-10", "3.07 bits/dim, test"
    ),
    "cifar10_pixel_cnn": Preset(
        _arguments((32, 32, 3), 256, "pixel_cnn", 15, 128, 1024), 16, "CIFAR-10", "3.14 bits/dim, test"
    ),
    "imagenet32_row_lstm": Preset(
        _arguments((32, 32, 3), 256, "row_lstm", 12, 384, 1024), 64, "ImageNet 32x32", "3.86 bits/dim, validation"
    ),
    "imagenet64_row_lstm": Preset(
        _arguments((64, 64, 3), 256, "row_lstm", 4, 512, 1024, residual=False),
        32,
        "ImageNet 64x64",
        "3.63 bits/dim, validation",
    ),
}


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: if there is none; the message lists them.
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset {name!r}. The presets are: {', '.join(PRESETS)}.")
    return PRESETS[name]
