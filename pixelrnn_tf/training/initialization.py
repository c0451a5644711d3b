"""Initial weights and network of a run from another model."""

import os
from typing import Any

import numpy as np

from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.models.loading import load_model
from pixelrnn_tf.models.preset_files import path_inside, weights_digest


def start_from(model: ImageModel, source: str | os.PathLike) -> str:
    """Copy the weights of another model, for --init_from.

    A conditional model can start from an unconditional one, and a deeper model from one with fewer blocks. At first it
    computes the same as that one, whatever the condition: the projections of its conditioning map are zero, and so are
    the outputs of the further blocks, which leaves them their residual connection.

    Returns:
        the digest of these weights, see `preset_files.weights_digest`.

    Raises:
        ValueError: see `load_model`; also if it is another network: the message lists the differences.
    """
    saved = load_model(source, "--init_from")
    saved.trainable = True  # A new run ignores that the model or its conditioner was frozen.
    digest = weights_digest(saved)
    saved.set_weights(_in_order_of_classes(saved, model))
    found, wanted = _without_class_names(saved.get_config()), _without_class_names(model.get_config())
    if saved.conditioner is None and model.conditioner is not None:
        found |= {key: wanted[key] for key in ("conditioner", "condition_features")}
    if model.residual and saved.num_blocks < model.num_blocks:
        found["num_blocks"] = model.num_blocks
    different = [f"{key}: {found[key]!r} there, {wanted[key]!r} now" for key in wanted if found[key] != wanted[key]]
    different = [text for text in different if not text.startswith(("name:", "dtype:", "trainable:"))]
    if different:
        raise ValueError(f"{source} holds another network ({'; '.join(different)}): its weights do not fit.")
    for (there, _), (here, _) in zip(saved.scales(), model.scales(), strict=True):
        _start(here, there)
    return digest


def _start(network: PixelRNN, saved: PixelRNN) -> None:
    """Copy the weights of `saved` to a network that may be deeper or conditional, and at first computes the same.

    What only `network` has becomes zero, except for its conditioner and for the further blocks up to their last layer:
    these keep their initial values, because of two factors that are zero neither learns.
    """
    given = {path_inside(weight): weight for weight in saved.weights}
    assert given.keys() <= {path_inside(weight) for weight in network.weights}
    inner = [part for block in network.blocks[saved.num_blocks :] for part in block.parts[:-1]]
    added = [network.conditioner] if saved.conditioner is None and network.conditioner is not None else []
    kept = {id(weight) for layer in [*inner, *added] for weight in layer.weights}
    for weight in network.weights:
        if id(weight) not in kept:
            weight.assign(given.get(path_inside(weight), np.zeros(weight.shape)))


def _in_order_of_classes(saved: ImageModel, model: ImageModel) -> list[np.ndarray]:
    """Return the weights of `saved`, with its class vectors reordered by name to match `model`.

    Raises:
        ValueError: if the two have different classes.
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
    """Arguments of the `PixelRNN` of --init_from, except for the shape and levels of the images.

    Raises:
        ValueError: see `load_model`.
    """
    config = load_model(source, "--init_from").get_config()
    names = ["block", "num_blocks", "hidden", "head_hidden", "residual", "skips"]
    names += ["condition_features"] if config.get("conditioner") else []
    names += [name for name in ("scales", "upsampler_features") if name in config]
    names += ["output", "mixtures"] if config.get("output", "softmax") != "softmax" else []
    names += ["inputs"] if config.get("inputs", "levels") != "levels" else []
    return {name: config[name] for name in names}
