"""Presets: the configurations of the paper (section 5 and Table 1), smaller ones, and the pretrained networks."""

import dataclasses
import functools
import pathlib
from typing import Any

from pixelrnn_tf.files import read_json
from pixelrnn_tf.zoo import CONFIG, DIRECTORY, METADATA, shipped_presets

NATS = "nats per image"
BITS = "bits/dim"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PaperScore:
    """A score as in the paper (section 5, Tables 4 to 6); lower is better.

    Attributes:
        value: mean negative log-likelihood.
        unit: "nats per image" or "bits/dim".
        data: the data set and the split that was scored.
    """

    value: float
    unit: str
    data: str

    def __str__(self) -> str:
        return f"{self.value:.2f} {self.unit} on {self.data}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """A named configuration.

    Attributes:
        description: description in one line.
        arguments: arguments of the model.
        parameters: number of parameters; the paper's plain reading plus skips, initial states and binary logits.
        batch_size: images per step; the paper's, if the size is the paper's.
        data: its data set.
        paper_score: score in the paper; None if there is none.
        score: score of the shipped weights on the test split; None without weights.
        has_weights: True if the package contains its weights.
    """

    description: str
    arguments: dict[str, Any]
    parameters: int
    batch_size: int
    data: str
    paper_score: PaperScore | None = None
    score: PaperScore | None = None
    has_weights: bool = False


_DIGITS: dict[str, Any] = {"image_shape": (8, 8, 1), "levels": 17, "hidden": 32, "head_hidden": 64}
_MNIST: dict[str, Any] = {"image_shape": (28, 28, 1), "levels": 2, "block": "diagonal_bilstm", "head_hidden": 32}
_CIFAR10: dict[str, Any] = {"image_shape": (32, 32, 3), "levels": 256, "hidden": 128, "head_hidden": 1024}
_DIGITS_DATA = "the 8x8 digits of scikit-learn"
_MNIST_DATA = "binarized MNIST (fixed binarization)"

PRESETS: dict[str, Preset] = {
    "digits_diagonal_bilstm": Preset(
        description="A small Diagonal BiLSTM for the demo, which trains in minutes on a laptop.",
        arguments=_DIGITS | {"block": "diagonal_bilstm", "num_blocks": 2},
        parameters=91_473,
        batch_size=32,
        data=_DIGITS_DATA,
    ),
    "digits_row_lstm": Preset(
        description="A small Row LSTM for the digits.",
        arguments=_DIGITS | {"block": "row_lstm", "num_blocks": 2},
        parameters=99_281,
        batch_size=32,
        data=_DIGITS_DATA,
    ),
    "digits_pixel_cnn": Preset(
        description="A small PixelCNN for the digits.",
        arguments=_DIGITS | {"block": "pixel_cnn", "num_blocks": 4},
        parameters=83_025,
        batch_size=32,
        data=_DIGITS_DATA,
    ),
    "mnist_diagonal_bilstm_7x16": Preset(
        description="The paper's best network for MNIST: a Diagonal BiLSTM, deep and narrow.",
        arguments=_MNIST | {"num_blocks": 7, "hidden": 16},
        parameters=73_666,
        batch_size=16,
        data=_MNIST_DATA,
        paper_score=PaperScore(value=79.20, unit=NATS, data="binarized_mnist test"),
    ),
    "mnist_diagonal_bilstm_1x32": Preset(
        description="A Diagonal BiLSTM for MNIST with one layer, wide.",
        arguments=_MNIST | {"num_blocks": 1, "hidden": 32},
        parameters=45_826,
        batch_size=16,
        data=_MNIST_DATA,
        paper_score=PaperScore(value=80.75, unit=NATS, data="binarized_mnist test"),
    ),
    "mnist_row_lstm_7x16": Preset(
        description="A Row LSTM for MNIST, deep and narrow.",
        arguments=_MNIST | {"block": "row_lstm", "num_blocks": 7, "hidden": 16},
        parameters=80_162,
        batch_size=16,
        data=_MNIST_DATA,
        paper_score=PaperScore(value=80.54, unit=NATS, data="binarized_mnist test"),
    ),
    "mnist_pixel_cnn_15x16": Preset(
        description="A PixelCNN for MNIST, deep and narrow.",
        arguments=_MNIST | {"block": "pixel_cnn", "num_blocks": 15, "hidden": 16},
        parameters=70_498,
        batch_size=16,
        data=_MNIST_DATA,
        paper_score=PaperScore(value=81.30, unit=NATS, data="binarized_mnist test"),
    ),
    "cifar10_diagonal_bilstm": Preset(
        description="The paper's best network for CIFAR-10: a Diagonal BiLSTM.",
        arguments=_CIFAR10 | {"block": "diagonal_bilstm", "num_blocks": 12},
        parameters=9_633_536,
        batch_size=16,
        data="CIFAR-10",
        paper_score=PaperScore(value=3.00, unit=BITS, data="cifar10 test"),
    ),
    "cifar10_row_lstm": Preset(
        description="The Row LSTM for CIFAR-10.",
        arguments=_CIFAR10 | {"block": "row_lstm", "num_blocks": 12},
        parameters=10_410_752,
        batch_size=16,
        data="CIFAR-10",
        paper_score=PaperScore(value=3.07, unit=BITS, data="cifar10 test"),
    ),
    "cifar10_pixel_cnn": Preset(
        description="The PixelCNN for CIFAR-10: no recurrence, a bounded receptive field, the fastest to train.",
        arguments=_CIFAR10 | {"block": "pixel_cnn", "num_blocks": 15},
        parameters=6_327_296,
        batch_size=16,
        data="CIFAR-10",
        paper_score=PaperScore(value=3.14, unit=BITS, data="cifar10 test"),
    ),
    "cifar10_small": Preset(
        description="A Diagonal BiLSTM for CIFAR-10 that two processor cores can train: a 28th of the paper's size.",
        arguments=_CIFAR10 | {"block": "diagonal_bilstm", "num_blocks": 4, "hidden": 40, "head_hidden": 96},
        parameters=349_184,
        batch_size=8,
        data="CIFAR-10",
    ),
    "imagenet32_row_lstm": Preset(
        description="The Row LSTM for ImageNet at 32x32.",
        arguments=_CIFAR10 | {"block": "row_lstm", "num_blocks": 12, "hidden": 384},
        parameters=77_101_824,
        batch_size=64,
        data="ImageNet 32x32",
        paper_score=PaperScore(value=3.86, unit=BITS, data="ImageNet 32x32 validation"),
    ),
    "imagenet64_row_lstm": Preset(
        description="The Row LSTM for ImageNet at 64x64, without residual connections.",
        arguments={
            "image_shape": (64, 64, 3),
            "levels": 256,
            "block": "row_lstm",
            "num_blocks": 4,
            "hidden": 512,
            "head_hidden": 1024,
            "residual": False,
        },
        parameters=47_098_624,
        batch_size=32,
        data="ImageNet 64x64",
        paper_score=PaperScore(value=3.63, unit=BITS, data="ImageNet 64x64 validation"),
    ),
}
"""Networks of the paper and smaller ones, a `Preset` by name. `PixelRNN.presets` also has other pretrained networks."""


def get_preset(name: str) -> Preset:
    """Get a preset by its name.

    Raises:
        ValueError: if the name is unknown; the message lists all names.
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset {name!r}. The presets are: {', '.join(PRESETS)}.")
    return PRESETS[name]


@functools.cache
def all_presets() -> dict[str, tuple[str, Preset]]:
    """All presets that `from_preset` accepts, `PRESETS` and the pretrained networks, each with its class name."""
    presets = {name: ("PixelRNN", preset) for name, preset in PRESETS.items()}
    return presets | {name: _shipped(DIRECTORY / name) for name in shipped_presets()}


def _shipped(directory: pathlib.Path) -> tuple[str, Preset]:
    metadata, model = (read_json(directory / name) for name in (METADATA, CONFIG))
    in_bits = model["config"]["levels"] == 256
    preset = PRESETS.get(directory.name) or Preset(
        description=metadata["description"],
        arguments={k: v for k, v in model["config"].items() if k not in ("name", "trainable", "dtype")},
        parameters=metadata["parameters"],
        batch_size=metadata["training"]["batch_size"],
        data=metadata["data"]["title"],
    )
    score = PaperScore(
        value=metadata["scores"]["test"]["bits_per_dim" if in_bits else "nats_per_image"],
        unit=BITS if in_bits else NATS,
        data=f"{metadata['data']['title']}, test",
    )
    return model["class_name"], dataclasses.replace(preset, score=score, has_weights=True)
