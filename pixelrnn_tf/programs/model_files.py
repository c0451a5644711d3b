"""Models by path or name: loading them, what is known of them, and whether they fit their images."""

import dataclasses
import os
import pathlib
from typing import Any

import keras

from pixelrnn_tf.data import ImageData, check_unchanged
from pixelrnn_tf.models import ImageModel, preset_files
from pixelrnn_tf.models.preset_files import first_not_finite
from pixelrnn_tf.programs.data_config import DataConfig
from pixelrnn_tf.programs.files import read_json
from pixelrnn_tf.programs.flags import no_model
from pixelrnn_tf.zoo import find_preset


def load_model(source: str | os.PathLike, flag: str = "--model") -> ImageModel:
    """Load what a flag of that name gives: a `.keras` file that holds a `PixelRNN`, or a preset with its weights.

    Args:
        source: the path of a file, that of a preset's directory, or the name of a preset that comes with the package.
        flag: for the errors.

    Raises:
        ValueError: if there is no such file and no such preset, it is damaged, or it holds something else or weights
            that are not finite.
    """
    path = pathlib.Path(source).expanduser()
    if not path.is_file():
        if find_preset(source) is None:
            raise ValueError(no_model(source, flag))
        return ImageModel.from_preset(source)
    try:
        model = keras.models.load_model(path)
    except Exception as error:  # What Keras raises for a damaged file is of any kind.
        problem = next(iter(str(error).strip().splitlines()), "")
        raise ValueError(
            f"{path} cannot be loaded as a model ({type(error).__name__}: {problem}). It may be damaged or of another "
            f"program: give {flag} a .keras file as training leaves it."
        ) from error
    if not isinstance(model, ImageModel):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a PixelRNN.")
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"{path} holds weights that are not finite, {damaged} first: it can score nothing.")
    return model


def with_classes(model: ImageModel, data: DataConfig) -> DataConfig:
    """The same images, with their classes if the model is given classes."""
    return dataclasses.replace(data, class_conditional=model.num_classes is not None)


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


def card_of(source: str | os.PathLike) -> dict[str, Any]:
    """What is known of a model: data, binarisation, scores. Empty if nothing is.

    It is the `model.json` that training writes beside a `.keras` file, or the same of the metadata of a preset.

    Raises:
        ValueError: if it cannot be read, or is of another form.
    """
    path = pathlib.Path(source).expanduser()
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


def trained_on(source: str | os.PathLike) -> DataConfig:
    """What a model was trained on, as `card_of` says.

    Raises:
        ValueError: if nothing is known of it, or it is of another form.
    """
    return _data_of_card(card_of(source), source)


def _data_of_card(card: dict[str, Any], source: str | os.PathLike) -> DataConfig:
    if not card:
        path = pathlib.Path(source).expanduser().with_name("model.json")
        raise ValueError(f"There is no {path} to tell what the model was trained on. Give --data.")
    try:
        return DataConfig(**card["data"])
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"What is known of {source} does not say what it was trained on ({error}). Give --data."
        ) from error


def data_of(source: str | os.PathLike, split: str) -> ImageData:
    """The images a model was trained on, of which a split is wanted.

    Raises:
        ValueError: as `trained_on`, or if the split no longer holds the images it held then.
    """
    card = card_of(source)
    data = _data_of_card(card, source).load()
    check_unchanged(data, card.get("fingerprint"), f"the model {source}", [split])
    return data


def check_fit(model: ImageModel, data: ImageData) -> None:
    """Check that a model takes the images of a data set.

    Raises:
        ValueError: if their shape, levels or number of classes differ.
    """
    if model.image_shape != data.image_shape or model.levels != data.levels:
        raise ValueError(
            f"The model takes images of shape {model.image_shape} with {model.levels} levels; {data.name} has the "
            f"shape {data.image_shape} with {data.levels} levels. Choose data the model was trained for, or "
            "requantise and resize it (--levels, --binarization, --image_size, --channels)."
        )
    if (model.num_classes or 0) != len(data.classes):
        raise ValueError(
            f"The model takes {model.num_classes or 'no'} classes, and {data.name} was loaded with "
            f"{len(data.classes) or 'none'}: --class_conditional is for models that were trained with it, on images of "
            "as many classes."
        )


def float32_twin(model: ImageModel) -> ImageModel:
    """Another model of the same configuration and weights that computes in float32."""
    twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    return twin
