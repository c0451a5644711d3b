"""Models from `.keras` files and presets."""

import os
import pathlib

import keras

from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.models.preset_files import first_not_finite
from pixelrnn_tf.zoo import find_preset, shipped_presets


def load_model(source: str | os.PathLike[str], flag: str = "--model") -> ImageModel:
    """Load what a flag of that name gives: a `.keras` file that holds a `PixelRNN`, or a preset with its weights.

    Args:
        source: the path of a file, that of a preset's directory, or the name of a preset that comes with the package.
        flag: for the errors.

    Raises:
        ValueError: if there is no such file and no such preset, it is damaged, or it holds something else or weights
            that are not finite.
    """
    path = pathlib.Path(os.path.expanduser(source))
    if not path.is_file():
        if find_preset(source) is None:
            raise ValueError(
                f"There is no model at {source}, and no preset with weights of that name. Give {flag} a .keras file, "
                f"the directory of a preset, or one of: {', '.join(shipped_presets())}."
            )
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


def float32_twin(model: ImageModel) -> ImageModel:
    """Another model of the same configuration and weights that computes in float32."""
    twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    return twin
