"""Data and scores of a model, as recorded by its run or preset."""

import dataclasses
import os
import pathlib
from typing import Any

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_tf.data import ImageData, check_unchanged
from pixelrnn_tf.evaluation.compatibility import fit_data, takes_vector
from pixelrnn_tf.files import read_json
from pixelrnn_tf.models import ImageModel, preset_files
from pixelrnn_tf.zoo import METADATA, find_preset


def images_for(model: ImageModel, source: str | os.PathLike, config: DataConfig | None, split: str) -> ImageData:
    """Load the images for a model, with matching class labels if it takes them, and print their description.

    Args:
        model: the model.
        source: source of the model.
        config: choice of images; None for those that the model was trained on.
        split: requested split. "all" of a folder or an npz file is all of it, without splits.

    Raises:
        ValueError: see `data_of`; also if the images do not fit the model.
    """
    if config is None:
        data = data_of(source, split)
    else:
        config = dataclasses.replace(
            config, class_conditional=model.num_classes is not None, vector_conditional=takes_vector(model)
        )
        data = config.load(whole=split == "all")
    data = fit_data(model, data)
    print(data.describe(), flush=True)
    return data


def card_of(source: str | os.PathLike) -> dict[str, Any]:
    """Read the card of a model: data, binarization, scores. Empty if there is none.

    It is the `model.json` that training writes next to a `.keras` file, or the same from a preset's metadata.

    Raises:
        ValueError: if it cannot be read, or has another form.
    """
    path = pathlib.Path(os.path.expanduser(source))
    directory = None if path.is_file() else find_preset(source)
    if directory is not None:
        return _card_of_preset(directory)
    path = path.with_name("model.json")
    card = read_json(path) if path.is_file() else {}
    if not isinstance(card, dict):
        raise ValueError(f"{path} is not the card of a model: it holds a {type(card).__name__}, not an object.")
    return card


def _card_of_preset(directory: pathlib.Path) -> dict[str, Any]:
    metadata = preset_files.read_metadata(directory)
    data, training = metadata.get("data", {}), metadata.get("training", {})
    if not isinstance(data, dict) or not isinstance(training, dict):
        path = directory / METADATA
        raise ValueError(f"{path} is not the metadata of a preset: data and training must be objects.")
    known = {
        "preset": metadata.get("name", directory.name),
        "data": data.get("config"),
        "binarization": data.get("binarization"),
        "fingerprint": data.get("fingerprint"),
        "steps": training.get("best_step"),
        "training_seconds": training.get("seconds"),
        "scores": metadata.get("scores"),
    }
    return {key: value for key, value in known.items() if value is not None}


def data_config(card: dict[str, Any], source: str | os.PathLike) -> DataConfig:
    """Read the choice of images from the card of a model.

    Raises:
        ValueError: if the card is empty or has another form.
    """
    if not card:
        path = pathlib.Path(os.path.expanduser(source)).with_name("model.json")
        raise ValueError(f"There is no {path} with the training data of the model. Pass --data.")
    try:
        return DataConfig(**card["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The card of {source} does not name the training data ({error}). Pass --data.") from error


def data_of(source: str | os.PathLike, split: str) -> ImageData:
    """Load the images that a model was trained on.

    Raises:
        ValueError: see `data_config`; also if the requested split has changed since the training.
    """
    card = card_of(source)
    data = data_config(card, source).load()
    check_unchanged(data, card.get("fingerprint"), f"the model {source}", [split])
    return data
