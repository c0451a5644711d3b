"""Load models from `.keras` files and presets."""

import os
import pathlib

import keras

from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.preset_files import first_not_finite
from pixelrnn_tf.zoo import find_preset, shipped_presets


def load_model(source: str | os.PathLike[str], flag: str = "--model") -> ImageModel:
    """Load a model: a `.keras` file that holds a `PixelRNN`, or a preset with its weights.

    Args:
        source: path of a file, path of a preset's directory, or name of a preset in the package.
        flag: name of the flag in error messages.

    Raises:
        ValueError: if there is no such file or preset, the file is damaged, it holds another object, or its weights
            are not finite.
    """
    path = pathlib.Path(os.path.expanduser(source))
    if not path.is_file():
        if (path / "model.keras").is_file():
            raise ValueError(f"{source} is the folder of a run: set {flag} to {path / 'model.keras'}.")
        if find_preset(source) is None:
            raise ValueError(
                f"There is no model at {source}, and no preset with weights of that name. Set {flag} to a .keras file, "
                f"the directory of a preset, or one of: {', '.join(shipped_presets())}."
            )
        return ImageModel.from_preset(source)
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises errors of any type for a damaged file.
        problem = next(iter(str(error).strip().splitlines()), "")
        raise ValueError(
            f"{path} cannot be loaded as a model ({type(error).__name__}: {problem}). It may be damaged, written by "
            f"another program, or hold a class of your own, which only a process that defines it can load: set {flag} "
            "to a .keras file that training wrote."
        ) from error
    if not isinstance(model, ImageModel):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a PixelRNN.")
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"{path} holds weights that are not finite, such as {damaged}: it cannot score images.")
    return model


def float32_twin(model: ImageModel) -> ImageModel:
    """Copy a model, with the same configuration and weights, to compute in float32."""
    twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    return twin
