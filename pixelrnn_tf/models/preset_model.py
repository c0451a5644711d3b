"""Loading models from presets and saving them as presets."""

import contextlib
import inspect
import os
import pathlib
from collections.abc import Iterator
from typing import Any, Self

import keras

from pixelrnn_tf.layers.conditioning import conditioner_of
from pixelrnn_tf.models.parameter_count import count_parameters
from pixelrnn_tf.models.preset_files import check_overrides, check_weights_size, read_config, read_weights, save_preset
from pixelrnn_tf.models.presets import Preset, all_presets
from pixelrnn_tf.typing import Config, ImageShape
from pixelrnn_tf.zoo import CONFIG, find_preset


class _Presets:
    """Class attribute that holds the presets of a class, read from the package on access."""

    def __get__(self, instance: object, owner: type) -> dict[str, Preset]:
        kinds = {kind.__name__ for kind in (owner, *_subclasses(owner))}
        return {name: preset for name, (kind, preset) in all_presets().items() if kind in kinds}


def _subclasses(cls: type) -> Iterator[type]:
    subclass: type
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


class PresetModel(keras.Model):
    """A Keras model with `from_preset` and `save_to_preset`.

    Attributes:
        presets: presets that `from_preset` accepts, a `Preset` by name, with or without weights.
    """

    presets = _Presets()

    @classmethod
    def from_preset(cls, preset: str | os.PathLike[str], load_weights: bool = True, **overrides: Any) -> Self:
        """Load a pretrained network, or make an untrained one from the paper, by name.

        Args:
            preset: a key of `presets`, or a directory written by `save_to_preset`.
            load_weights: load the weights, which are part of the package: nothing is downloaded. False makes an
                untrained network.
            **overrides: arguments of the constructor that replace the preset's. With weights, only those that do not
                change the network: `dtype`, `name`, and `image_shape` with other height and width. The scales of a
                multi-scale model change with the height.

        Raises:
            ValueError: if there is no such preset, it has no weights, they are damaged, or an override is invalid, such
                as a size that the conditioner or the scales do not fit.

        Example:

        >>> from pixelrnn_tf import PixelRNN
        >>> PixelRNN.from_preset("mnist_diagonal_bilstm_7x16", load_weights=False).count_params()
        73666
        >>> PixelRNN.from_preset("mnist_diagonal_bilstm_7x16", image_shape=(56, 28, 1)).count_params()
        73666
        """
        directory = find_preset(preset)
        if directory is None:
            if str(preset) not in cls.presets:
                raise ValueError(
                    f"There is no preset {str(preset)!r}. The presets are: {', '.join(cls.presets)}. You can also pass "
                    "the directory of a preset."
                )
            arguments = cls.presets[str(preset)].arguments
            if load_weights:
                raise ValueError(
                    f"The preset {str(preset)!r} has no weights: pass load_weights=False for an untrained network. "
                    f"Presets with weights: {', '.join(n for n, p in cls.presets.items() if p.has_weights)}."
                )
            kind = keras.saving.get_registered_object(f"pixelrnn_tf>{all_presets()[str(preset)][0]}")
            return kind(**{**arguments, **overrides})
        serialized = read_config(directory)
        config = serialized["config"]
        kind = keras.saving.get_registered_object(str(serialized.get("registered_name"))) or cls
        if not issubclass(kind, cls):
            raise ValueError(
                f"The preset {str(preset)!r} is a {kind.__name__}: load it with {kind.__name__}.from_preset."
            )
        if load_weights:
            parameters_of = inspect.signature(kind.__init__).parameters
            check_overrides(directory, config, overrides, {k: p.default for k, p in parameters_of.items()})
            with _named(directory):
                if "image_shape" in overrides:
                    config = kind.resized_config(config, overrides["image_shape"])
                parameters = _count_parameters_of(config)
            check_weights_size(directory, config, parameters)
        with _named(directory):
            model = kind.from_config({**config, **overrides})
        if load_weights:
            read_weights(model, directory)
        return model

    @classmethod
    def resized_config(cls, config: Config, image_shape: ImageShape) -> Config:
        """Make the configuration that has the same weights for images of another size.

        Args:
            config: arguments of the model.
            image_shape: `(height, width, channels)`, with the same channels.

        Raises:
            ValueError: if there is none.
        """
        return {**config, "image_shape": image_shape}

    def save_to_preset(self, directory: str | os.PathLike[str], metadata: Config | None = None, card: str = "") -> None:
        """Write the network and its weights as a preset directory, which `from_preset` reads.

        Args:
            directory: directory to create, or a preset to replace.
            metadata: further JSON-serializable information, for metadata.json.
            card: model card in Markdown, for README.md.

        Raises:
            ValueError: if the directory holds other files, or a weight is not finite.
        """
        save_preset(self, directory, metadata or {}, card or f"# {self.name}\n")


def _count_parameters_of(config: Config) -> int:
    """Lower bound of the number of parameters of a configuration, without making the network."""
    known = inspect.signature(count_parameters).parameters
    arguments = {name: value for name, value in config.items() if name in known}
    arguments["conditioner"] = conditioner_of(config.get("conditioner"), config.get("condition_features", 0), None)
    return len(config.get("scales", [1])) * count_parameters(**arguments)


@contextlib.contextmanager
def _named(directory: pathlib.Path) -> Iterator[None]:
    """Name the configuration file in errors that its content causes."""
    try:
        yield
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{directory / CONFIG} holds no valid arguments of a network: {error}") from error
