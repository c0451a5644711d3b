"""Saved models: loading them, and whether they fit their images; with errors for what a user may get wrong."""

import os
import pathlib
from typing import Any

import keras

from pixelrnn_tf.data import ImageData, check_unchanged
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.models.preset_files import first_not_finite
from pixelrnn_tf.programs.data_config import DataConfig
from pixelrnn_tf.programs.files import read_json


def load_model(path: str | os.PathLike, flag: str = "--model") -> PixelRNN:
    """Load a `.keras` file that holds a `PixelRNN`, named by a flag of that name.

    Raises:
        ValueError: if there is no such file, it is damaged, or it holds something else or weights that are not finite.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"There is no model at {path}. Give {flag} the path of a .keras file.")
    try:
        model = keras.models.load_model(path)
    except Exception as error:  # What Keras raises for a damaged file is of any kind.
        problem = next(iter(str(error).strip().splitlines()), "")
        raise ValueError(
            f"{path} cannot be loaded as a model ({type(error).__name__}: {problem}). It may be damaged or of another "
            f"program: give {flag} a .keras file as training leaves it."
        ) from error
    if not isinstance(model, PixelRNN):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a PixelRNN.")
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"{path} holds weights that are not finite, {damaged} first: it can score nothing.")
    return model


def start_from(model: PixelRNN, path: str | os.PathLike) -> None:
    """Give a model the weights of a `.keras` file.

    Raises:
        ValueError: if there is no such file, or it holds another network; the message lists what differs.
    """
    saved = load_model(path, "--init_from")
    found, wanted = saved.get_config(), model.get_config()
    different = [f"{key}: {found[key]!r} there, {wanted[key]!r} now" for key in wanted if found[key] != wanted[key]]
    different = [text for text in different if not text.startswith(("name:", "dtype:", "trainable:"))]
    if different:
        raise ValueError(f"{path} holds another network ({'; '.join(different)}): its weights do not fit.")
    model.set_weights(saved.get_weights())


def network_in(path: str | os.PathLike) -> dict[str, Any]:
    """Arguments of the `PixelRNN` in the `.keras` file of --init_from, but for the images' shape and levels.

    Raises:
        ValueError: as `load_model`.
    """
    config = load_model(path, "--init_from").get_config()
    return {name: config[name] for name in ("block", "num_blocks", "hidden", "head_hidden", "residual", "skips")}


def trained_on(model_path: str | os.PathLike) -> DataConfig:
    """What a model was trained on, from the `model.json` beside it.

    Raises:
        ValueError: if there is no such file, or it is of another form.
    """
    path = pathlib.Path(model_path).expanduser().with_name("model.json")
    if not path.is_file():
        raise ValueError(f"There is no {path} to tell what the model was trained on. Give --data.")
    try:
        return DataConfig(**read_json(path)["data"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} does not say what the model was trained on ({error}). Give --data.") from error


def data_of(model_path: str | os.PathLike, split: str) -> ImageData:
    """The images a model was trained on, of which a split is wanted.

    Raises:
        ValueError: as `trained_on`, or if the split no longer holds the images it held then.
    """
    data = trained_on(model_path).load()
    recorded = read_json(pathlib.Path(model_path).expanduser().with_name("model.json")).get("fingerprint")
    check_unchanged(data, recorded, f"the model {model_path}", [split])
    return data


def check_fit(model: PixelRNN, data: ImageData) -> None:
    """Check that a model takes the images of a data set.

    Raises:
        ValueError: if their shape or levels differ.
    """
    if model.image_shape != data.image_shape or model.levels != data.levels:
        raise ValueError(
            f"The model takes images of shape {model.image_shape} with {model.levels} levels; {data.name} has the "
            f"shape {data.image_shape} with {data.levels} levels. Choose data the model was trained for, or "
            "requantise and resize it (--levels, --binarization, --image_size, --channels)."
        )


def float32_twin(model: PixelRNN) -> PixelRNN:
    """Another model of the same configuration and weights that computes in float32."""
    twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    return twin
