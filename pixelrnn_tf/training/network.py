"""Network of a training run, from its configuration and images."""

import dataclasses
from typing import Any

from pixelrnn_cli.train_config import CLASS_FEATURES, TrainConfig
from pixelrnn_tf.data import ImageData
from pixelrnn_tf.layers import LabelEmbedding, VectorEmbedding
from pixelrnn_tf.models import PRESETS, ImageModel, MultiScalePixelRNN, PixelRNN, get_preset


def with_batch_size(config: TrainConfig) -> TrainConfig:
    """Set the batch size if it is None: to that of the preset, or 16."""
    if config.batch_size is not None:
        return config
    return dataclasses.replace(config, batch_size=get_preset(config.preset).batch_size if config.preset else 16)


def network_arguments(config: TrainConfig, data: ImageData) -> dict[str, Any]:
    """Arguments of the network of a run.

    Args:
        config: configuration of the run.
        data: images of the run.

    Raises:
        ValueError: if an argument of the network is given neither by the preset nor by a flag, or the preset is
            unknown.
    """
    arguments: dict[str, Any] = {**(get_preset(config.preset).arguments if config.preset else {}), **config.model}
    arguments |= {"image_shape": data.image_shape, "levels": data.levels, "dtype": config.dtype_policy}
    missing = [name for name in ("block", "num_blocks", "hidden", "head_hidden") if name not in arguments]
    if missing:
        raise ValueError(
            f"The network is not defined: pass --preset (one of {', '.join(PRESETS)}), or all of "
            f"{', '.join('--' + name for name in missing)}."
        )
    if data.classes or data.vector_range:
        features = arguments.pop("condition_features", CLASS_FEATURES)
    if data.classes:
        arguments["conditioner"] = LabelEmbedding(len(data.classes), features, data.classes)
    elif data.vector_range:
        low, high = data.vector_range
        arguments["conditioner"] = VectorEmbedding(len(low), features, low, high)
    return arguments


def make_model(arguments: dict[str, Any]) -> ImageModel:
    """Make an untrained network.

    Args:
        arguments: arguments of `PixelRNN`, or of `MultiScalePixelRNN` if "scales" is one of them.
    """
    return (MultiScalePixelRNN if "scales" in arguments else PixelRNN)(**arguments)
