"""Networks and weights that a run starts from."""

import os
from typing import Any

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.loading import load_model


def start_from(model: ImageModel, source: str | os.PathLike) -> None:
    """Give a model the weights of another, as --init_from says.

    Raises:
        ValueError: as `load_model`, or if it is another network; the message lists what differs.
    """
    saved = load_model(source, "--init_from")
    saved.trainable = True  # Whether it was frozen, and its conditioner with it, is nothing to a new run.
    found, wanted = saved.get_config(), model.get_config()
    different = [f"{key}: {found[key]!r} there, {wanted[key]!r} now" for key in wanted if found[key] != wanted[key]]
    different = [text for text in different if not text.startswith(("name:", "dtype:", "trainable:"))]
    if different:
        raise ValueError(f"{source} holds another network ({'; '.join(different)}): its weights do not fit.")
    model.set_weights(saved.get_weights())


def network_in(source: str | os.PathLike) -> dict[str, Any]:
    """Arguments of the `PixelRNN` that --init_from gives, but for the images' shape and levels.

    Raises:
        ValueError: as `load_model`.
    """
    config = load_model(source, "--init_from").get_config()
    names = ["block", "num_blocks", "hidden", "head_hidden", "residual", "skips"]
    names += ["condition_features"] if config.get("conditioner") else []
    names += [name for name in ("scales", "upsampler_features") if name in config]
    return {name: config[name] for name in names}
