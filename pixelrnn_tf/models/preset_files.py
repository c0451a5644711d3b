"""Preset directories: configuration, weights and metadata of a network.

The layout is that of KerasHub:

    config.json        the model, serialized by Keras
    model.weights.h5   its weights, in the format of `model.save_weights`, but compressed; `model.load_weights` reads it
    metadata.json      training data, training and scores, and a digest of the weights, which is checked when they load
    README.md          the model card

The presets with weights are in `pixelrnn_tf/zoo/`, which finds them by name. Nothing is downloaded.
"""

import contextlib
import ctypes
import hashlib
import io
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.files import KEPT, read_json, temporary_folder, write_json, write_text
from pixelrnn_tf.layers.conditioning import Conditioner, serialized
from pixelrnn_tf.models.arguments import checked_image_shape
from pixelrnn_tf.typing import Config
from pixelrnn_tf.zoo import CONFIG, METADATA

WEIGHTS, CARD = "model.weights.h5", "README.md"
# Pictures of the card, which `programs.publishing` draws.
PICTURES = ("samples.png", "completions.png", "curve.png", "examples.png")
# Version of metadata.json and of the digest; earlier versions of the library reject later ones.
FORMAT = 1
# Maximum size of a JSON file, in bytes.
_MOST_JSON = 2**24
# Limits of compression: trained weights compress little, untrained ones with many zeros more.
_MOST_COMPRESSION, _FEWEST_BYTES_PER_BLOCK = 100, 500


def path_inside(weight: keras.Variable) -> str:
    """Path of a weight inside its model, without the name of the model."""
    return weight.path.partition("/")[2]


def weights_digest(model: keras.Model) -> str:
    """Compute the SHA-256 of the names, shapes and values of the weights, independent of file and backend.

    The names are paths inside the model, without the name of the model, which differs between models of a process.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.asarray(ops.convert_to_numpy(weight), dtype="<f4")
        path = path_inside(weight)
        digest.update(f"{path} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def save_preset(
    model: keras.Model,
    directory: str | os.PathLike[str],
    metadata: Config,
    card: str,
    pictures: Iterable[pathlib.Path] = (),
) -> None:
    """Write a preset directory atomically, replacing an existing preset.

    Args:
        model: the network, float32.
        directory: directory of the preset.
        metadata: content of metadata.json; the format, the number of parameters and the digest of the weights are
            added.
        card: content of README.md.
        pictures: files to copy into the directory.

    Raises:
        ValueError: if the directory holds other files, or a weight is not finite.
    """
    directory, pictures = pathlib.Path(os.path.expanduser(directory)), list(pictures)
    check_replaceable(directory, [picture.name for picture in pictures])
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"The weight {damaged} has values that are not finite: this network cannot be a preset.")
    metadata = {
        "format": FORMAT,
        "parameters": model.count_params(),
        "keras_version": keras.__version__,
        **metadata,
        "weights_sha256": weights_digest(model),
    }
    with _replaced(directory) as beside:
        write_json(beside / CONFIG, keras.saving.serialize_keras_object(model))
        (beside / WEIGHTS).write_bytes(_compressed_weights(model))
        write_json(beside / METADATA, metadata)
        write_text(beside / CARD, card)
        for picture in pictures:
            shutil.copy(picture, beside)


class _WeightsInMemory(io.BytesIO):
    """A file in memory whose name has the suffix that Keras requires."""

    def __str__(self) -> str:
        return WEIGHTS


def _compressed_weights(model: keras.Model) -> bytes:
    """Save the weights to a Keras file with compressed arrays.

    HDF5 writes to memory, since it crashes the process if a disk is full. Compression saves a fifth of the size, and
    more for a PixelCNN, whose masked weights are zeros.
    """
    import h5py  # Keras writes weights with it.

    plain, smaller = _WeightsInMemory(), io.BytesIO()
    model.save_weights(plain)
    with h5py.File(plain) as old, h5py.File(smaller, "w", libver="latest") as new:

        def copy(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset):
                filters = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if node.size > 256 else {}
                copied = new.create_dataset(name, data=node[()], **filters)
            else:
                copied = new.require_group(name)
            copied.attrs.update(node.attrs)

        old.visititems(copy)
        new.attrs.update(old.attrs)
    return smaller.getvalue()


def read_metadata(directory: pathlib.Path) -> Config:
    """Read the metadata of a preset.

    Raises:
        ValueError: if they are missing, cannot be read, or have a later format.
    """
    metadata = _read_json(directory / METADATA)
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"{directory / METADATA} has the format {metadata.get('format')!r}; this version of pixelrnn_tf reads "
            f"{FORMAT}. Use the version that wrote it, or a later one."
        )
    return metadata


def read_config(directory: pathlib.Path) -> Config:
    """Read the configuration of a preset, serialized by Keras.

    Raises:
        ValueError: if it is missing or cannot be read.
    """
    config = _read_json(directory / CONFIG)
    if not isinstance(config.get("config"), dict) or "class_name" not in config:
        raise ValueError(f"{directory / CONFIG} does not hold a serialized model.")
    return config


def read_weights(model: keras.Model, directory: pathlib.Path) -> None:
    """Load the weights of a preset into a model, and check their digest.

    Args:
        model: the network, made from the preset's configuration. In half precision its weights are rounded and not
            compared with the digest.
        directory: directory of the preset.

    Raises:
        ValueError: if the weights are missing, cannot be read, do not fit, or do not match the digest.
    """
    path = directory / WEIGHTS
    expected = read_metadata(directory).get("weights_sha256")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"The weights {path} do not fit the network of their {CONFIG}: {reason}") from error
    if model.variable_dtype in ("float32", "float64") and weights_digest(model) != expected:
        raise ValueError(
            f"The weights {path} do not match the SHA-256 in their {METADATA}: the file is damaged or was replaced. "
            "Restore the original file."
        )


def check_overrides(directory: pathlib.Path, config: Config, overrides: Config, defaults: Config) -> None:
    """Check that overrides do not change the network that the weights were trained in.

    The size of the images, the dtype, the name, and `trainable` may change. Arguments that are newer than the preset
    have their `defaults` in it.

    Raises:
        ValueError: if another argument changes; the message names it.
    """
    free = {"name", "dtype", "trainable"}
    for name, value in overrides.items():
        same = _as_json(config.get(name, defaults.get(name))) == _as_json(value)
        if name == "image_shape":
            same = list(config[name])[-1:] == list(checked_image_shape(value))[-1:]
        if name not in free and not same:
            raise ValueError(
                f"{name}={value!r} defines another network than {directory.name}, whose weights were trained with "
                f"{name}={config.get(name)!r}: omit it, or pass load_weights=False for an untrained network."
            )


def _as_json(value: Any) -> Any:
    """Convert an argument to the form in a configuration: tuples to lists, a conditioner to its configuration."""
    if isinstance(value, Conditioner):
        return _as_json(serialized(value))
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items() if item is not None}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


def check_weights_size(directory: pathlib.Path, config: Config, parameters: int) -> None:
    """Check that the weights file is large enough for a network, before the network takes memory and time.

    Args:
        directory: directory of the preset.
        config: arguments of the network.
        parameters: number of its parameters.

    Raises:
        ValueError: if it is missing or much too small.
    """
    path = directory / WEIGHTS
    if not path.is_file():
        raise ValueError(f"There is no {path}: pass load_weights=False for an untrained network.")
    size, blocks = path.stat().st_size, config.get("num_blocks", 1)
    if size < max(4 * parameters / _MOST_COMPRESSION, _FEWEST_BYTES_PER_BLOCK * blocks):
        raise ValueError(
            f"{directory / CONFIG} describes a network of {parameters:,} parameters and {blocks:,} blocks, but {path} "
            f"has only {size:,} bytes: one of them is damaged or was replaced."
        )


def first_not_finite(model: keras.Model) -> str | None:
    """Path of the first weight with NaN or infinite values; None if all are finite."""
    return next((w.path for w in model.weights if not np.isfinite(ops.convert_to_numpy(w)).all()), None)


def _read_json(path: pathlib.Path) -> Config:
    try:
        value = read_json(path, _MOST_JSON)
    except OSError as error:
        raise ValueError(f"Cannot read {path}: {error.strerror}. A preset is a directory with {CONFIG}.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} does not hold a JSON object.")
    return value


def check_replaceable(directory: pathlib.Path, pictures: Iterable[str] = ()) -> None:
    """Check that a directory can be replaced by a preset: it is missing or empty, or holds a preset and nothing else.

    Args:
        directory: directory of the preset.
        pictures: names of pictures that it may hold, in addition to those of `PICTURES`.

    Raises:
        ValueError: if it holds other files; the message names them.
    """
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    # The folder of a run has a config.json too.
    if not all((directory / name).is_file() for name in (CONFIG, METADATA, CARD)):
        raise ValueError(f"{directory} exists and is not a preset; choose another directory.")
    # File managers write the last three on their own.
    own = {CONFIG, WEIGHTS, METADATA, CARD, *PICTURES, *pictures, ".DS_Store", "Thumbs.db", "desktop.ini"}
    others = sorted(path.name for path in directory.iterdir() if path.name not in own or path.is_dir())
    if others:
        shown = ", ".join([*others[:5], *(["..."] if len(others) > 5 else [])])
        raise ValueError(
            f"{directory} holds files that do not belong to a preset: {shown}. Replacing it would delete them: move "
            "them, or choose another directory."
        )


@contextlib.contextmanager
def _replaced(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Make an empty directory next to `directory` that replaces it on success."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(directory.parent, f".{directory.name[:KEPT]}.") as beside:
        yield beside
        if not directory.exists():
            beside.rename(directory)
        elif not _exchange(beside, directory):  # After an exchange, the old one is removed with the block.
            old = beside.with_name(beside.name + ".old")
            directory.rename(old)
            beside.rename(directory)
            shutil.rmtree(old, ignore_errors=True)


def _exchange(first: pathlib.Path, second: pathlib.Path) -> bool:
    """Exchange two directories atomically, so that both paths always exist; return False on failure."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False  # Not on Linux.
    working_directory, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE.
    paths = (os.fsencode(path.absolute()) for path in (first, second))
    of_first, of_second = paths
    return bool(renameat2(working_directory, of_first, working_directory, of_second, exchange) == 0)
