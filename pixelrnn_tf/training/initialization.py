"""Networks and weights that a run starts from."""

import os
from typing import Any

import numpy as np

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.models.preset_files import weights_digest


def start_from(model: ImageModel, source: str | os.PathLike) -> str:
    """Give a model the weights of another, as --init_from says.

    Returns:
        the digest of the weights of the other, as of `preset_files.weights_digest`.

    Raises:
        ValueError: as `load_model`, or if it is another network; the message lists what differs.
    """
    saved = load_model(source, "--init_from")
    saved.trainable = True  # Whether it was frozen, and its conditioner with it, is nothing to a new run.
    weights = _in_order_of_classes(saved, model)
    found, wanted = _without_class_names(saved.get_config()), _without_class_names(model.get_config())
    different = [f"{key}: {found[key]!r} there, {wanted[key]!r} now" for key in wanted if found[key] != wanted[key]]
    different = [text for text in different if not text.startswith(("name:", "dtype:", "trainable:"))]
    if different:
        raise ValueError(f"{source} holds another network ({'; '.join(different)}): its weights do not fit.")
    model.set_weights(weights)
    return weights_digest(saved)


def _in_order_of_classes(saved: ImageModel, model: ImageModel) -> list[np.ndarray]:
    """The weights of `saved`, with the vectors of its classes in the order of those of `model`, by name.

    Raises:
        ValueError: if the two have other classes.
    """
    weights, (there, now) = saved.get_weights(), (saved.class_names, model.class_names)
    if there is None or now is None or there == now:
        return weights
    if set(there) != set(now):
        raise ValueError(
            f"The weights to start from are of the classes {', '.join(there)}; the data have {', '.join(now)}. Start "
            "from a model of the same classes."
        )
    assert saved.conditioner is not None
    embeddings = saved.conditioner.weights[0]
    place = next(k for k, weight in enumerate(saved.weights) if weight is embeddings)
    weights[place] = weights[place][[there.index(name) for name in now]]
    return weights


def _without_class_names(config: dict[str, Any]) -> dict[str, Any]:
    conditioner = config.get("conditioner")
    if not conditioner:
        return config
    arguments = {key: value for key, value in conditioner["config"].items() if key != "class_names"}
    return {**config, "conditioner": {**conditioner, "config": arguments}}


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
