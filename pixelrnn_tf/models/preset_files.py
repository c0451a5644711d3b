"""Presets as directories: a network's configuration, its weights, and what is known of them.

The layout is that of KerasHub:

    config.json        the model, as Keras serializes it
    model.weights.h5   its weights, as `model.save_weights` writes them, but compressed; `model.load_weights` reads them
    metadata.json      what it was trained on, how, and its scores; and a digest of the weights, which loading checks
    README.md          the card: the same for people

The presets with weights that come with the package lie in `pixelrnn_tf/zoo/`, which finds them by name. Nothing is
ever downloaded.
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
from pixelrnn_tf.typing import Config
from pixelrnn_tf.zoo import CONFIG, METADATA

WEIGHTS, CARD = "model.weights.h5", "README.md"
# Of metadata.json and of what the digest covers; a later one may be refused by an earlier version of the library.
FORMAT = 1
# Bytes of a JSON file.
_MOST_JSON = 2**24
# The weights of a trained network are compressed a little, and those of an untrained one that holds many zeros to less.
_MOST_COMPRESSION, _FEWEST_BYTES_PER_BLOCK = 100, 500


def weights_digest(model: keras.Model) -> str:
    """SHA-256 over the names, shapes and values of the weights, whatever file or backend they come from.

    The names are the paths inside the model, without its own name, which is another for every model of a process.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.asarray(ops.convert_to_numpy(weight), dtype="<f4")
        path = weight.path.partition("/")[2]
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
    """Write a preset directory; it is filled under another name and renamed, and replaces one of that path.

    Args:
        model: the network, float32.
        directory: of the preset.
        metadata: for metadata.json; the format, the number of parameters and the digest of the weights are added.
        card: for README.md.
        pictures: files that are copied beside it.

    Raises:
        ValueError: if the directory holds something that is no preset, or a weight is not finite.
    """
    directory = pathlib.Path(os.path.expanduser(directory))
    damaged = first_not_finite(model)
    if damaged:
        raise ValueError(f"The weight {damaged} has values that are not finite: such a network is no preset.")
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
    """A file in memory whose name has the ending that Keras asks for."""

    def __str__(self) -> str:
        return WEIGHTS


def _compressed_weights(model: keras.Model) -> bytes:
    """The weights as a file of Keras whose larger arrays are compressed.

    HDF5 writes to memory, since it crashes the process when a disk is full. A fifth of a network's bytes is saved, more
    of a PixelCNN's: masked weights are zeros.
    """
    import h5py  # What Keras writes weights with.

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
    """The metadata of a preset.

    Raises:
        ValueError: if there is none, it cannot be read, or it has a later format.
    """
    metadata = _read_json(directory / METADATA)
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"{directory / METADATA} has the format {metadata.get('format')!r}; this version of pixelrnn_tf reads "
            f"{FORMAT}. Use the version that wrote it, or a later one."
        )
    return metadata


def read_config(directory: pathlib.Path) -> Config:
    """The configuration of a preset, as Keras serializes a model.

    Raises:
        ValueError: if there is none, or it cannot be read.
    """
    config = _read_json(directory / CONFIG)
    if not isinstance(config.get("config"), dict) or "class_name" not in config:
        raise ValueError(f"{directory / CONFIG} holds no serialized model.")
    return config


def read_weights(model: keras.Model, directory: pathlib.Path) -> None:
    """Give a model the weights of a preset, and check that they are those the metadata tells of.

    Args:
        model: the network, made from the preset's configuration. In half precision its weights are rounded, and
            not compared with the digest.
        directory: of the preset.

    Raises:
        ValueError: if the weights are missing, cannot be read, do not fit or are not those of the digest.
    """
    path = directory / WEIGHTS
    expected = read_metadata(directory).get("weights_sha256")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"The weights {path} do not fit the network of {CONFIG} beside them: {reason}") from error
    if model.variable_dtype in ("float32", "float64") and weights_digest(model) != expected:
        raise ValueError(
            f"The weights {path} are not those that {METADATA} beside them tells of (their SHA-256 differs): the file "
            "is damaged or was replaced. Get it anew."
        )


def check_overrides(directory: pathlib.Path, config: Config, overrides: Config) -> None:
    """Check that what is overridden leaves the network that the weights were trained in.

    The size of the images, the dtype, the name and whether the weights train may change.

    Raises:
        ValueError: if something else changes; the message names it.
    """
    free = {"name", "dtype", "trainable"}
    for name, value in overrides.items():
        same = _as_json(config.get(name)) == _as_json(value)
        if name == "image_shape":
            same = list(config[name])[-1:] == list(value)[-1:]
        if name not in free and not same:
            raise ValueError(
                f"{name}={value!r} makes another network than {directory.name}, whose weights were trained with "
                f"{name}={config.get(name)!r}: leave it out, or pass load_weights=False for an untrained network."
            )


def _as_json(value: Any) -> Any:
    """An argument as a configuration holds it: tuples as lists, a conditioner as its configuration."""
    if isinstance(value, Conditioner):
        return _as_json(serialized(value))
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items() if item is not None}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


def check_weights_size(directory: pathlib.Path, config: Config, parameters: int) -> None:
    """Check that the file of the weights is large enough for a network, before the network takes memory and time.

    Args:
        directory: of the preset.
        config: arguments of the network.
        parameters: their number.

    Raises:
        ValueError: if it is missing or much too small.
    """
    path = directory / WEIGHTS
    if not path.is_file():
        raise ValueError(f"There is no {path}: pass load_weights=False for an untrained network.")
    size, blocks = path.stat().st_size, config.get("num_blocks", 1)
    if size < max(4 * parameters / _MOST_COMPRESSION, _FEWEST_BYTES_PER_BLOCK * blocks):
        raise ValueError(
            f"{directory / CONFIG} describes a network of {parameters:,} parameters and {blocks:,} blocks, and {path} "
            f"has {size:,} bytes only: one of them is damaged or was replaced."
        )


def first_not_finite(model: keras.Model) -> str | None:
    """The path of the first weight that holds NaN or an infinite value; None if there is none."""
    return next((w.path for w in model.weights if not np.isfinite(ops.convert_to_numpy(w)).all()), None)


def _read_json(path: pathlib.Path) -> Config:
    try:
        value = read_json(path, _MOST_JSON)
    except OSError as error:
        raise ValueError(f"Cannot read {path}: {error.strerror}. A preset is a directory with {CONFIG}.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} holds no JSON object.")
    return value


@contextlib.contextmanager
def _replaced(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """An empty directory beside `directory` that takes its place if nothing goes wrong."""
    taken = directory.exists() and any(directory.iterdir() if directory.is_dir() else [directory])
    # The folder of a run has a config.json too.
    if taken and not all((directory / name).is_file() for name in (CONFIG, METADATA, CARD)):
        raise ValueError(f"{directory} exists and is no preset; choose another directory.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(directory.parent, f".{directory.name[:KEPT]}.") as beside:
        yield beside
        if not directory.exists():
            beside.rename(directory)
        elif not _exchange(beside, directory):  # If they changed places, the old one goes with the block.
            old = beside.with_name(beside.name + ".old")
            directory.rename(old)
            beside.rename(directory)
            shutil.rmtree(old, ignore_errors=True)


def _exchange(first: pathlib.Path, second: pathlib.Path) -> bool:
    """Exchange two directories in one step, so that there is one at each path at any time; False where this fails."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False  # Not on Linux.
    working_directory, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE.
    paths = (os.fsencode(path.absolute()) for path in (first, second))
    of_first, of_second = paths
    return bool(renameat2(working_directory, of_first, working_directory, of_second, exchange) == 0)
