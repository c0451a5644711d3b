"""Presets as directories: a network's configuration, its weights, and what is known of them.

The layout is that of KerasHub:

    config.json        the model, as Keras serialises it
    model.weights.h5   its weights, as `model.save_weights` writes them, but compressed; `model.load_weights` reads them
    metadata.json      what it was trained on, how, and its scores; and a digest of the weights, which loading checks
    README.md          the card: the same for people

The presets with weights that come with the package lie in `pixelrnn_tf/zoo/`, which finds them by name. Nothing is
ever downloaded.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.typing import Config
from pixelrnn_tf.zoo import CONFIG

WEIGHTS, METADATA, CARD = "model.weights.h5", "metadata.json", "README.md"
# Of metadata.json and of what the digest covers; a later one may be refused by an earlier version of the library.
FORMAT = 1


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
        (beside / CONFIG).write_text(_to_json(keras.saving.serialize_keras_object(model)))
        model.save_weights(beside / WEIGHTS)
        _compress(beside / WEIGHTS)
        (beside / METADATA).write_text(_to_json(metadata))
        (beside / CARD).write_text(card)
        for picture in pictures:
            shutil.copy(picture, beside)


def _compress(path: pathlib.Path) -> None:
    """Write a file of HDF5 anew with its larger arrays compressed.

    A fifth of a network's bytes is saved, more of a PixelCNN's: masked weights are zeros.
    """
    import h5py  # What Keras writes weights with.

    smaller = path.with_name(f"{path.name}.smaller")
    with h5py.File(path) as old, h5py.File(smaller, "w", libver="latest") as new:

        def copy(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset):
                filters = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if node.size > 256 else {}
                copied = new.create_dataset(name, data=node[()], **filters)
            else:
                copied = new.require_group(name)
            copied.attrs.update(node.attrs)

        old.visititems(copy)
        new.attrs.update(old.attrs)
    smaller.replace(path)


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
    """The configuration of a preset, as Keras serialises a model.

    Raises:
        ValueError: if there is none, or it cannot be read.
    """
    config = _read_json(directory / CONFIG)
    if not isinstance(config.get("config"), dict) or "class_name" not in config:
        raise ValueError(f"{directory / CONFIG} holds no serialised model.")
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
    if not path.is_file():
        raise ValueError(f"There is no {path}: pass load_weights=False for an untrained network.")
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
        same = config.get(name) == value
        if name == "image_shape":
            same = config[name][-1] == value[-1]
        if name not in free and not same:
            raise ValueError(
                f"{name}={value!r} makes another network than {directory.name}, whose weights were trained with "
                f"{name}={config.get(name)!r}: leave it out, or pass load_weights=False for an untrained network."
            )


def first_not_finite(model: keras.Model) -> str | None:
    """The path of the first weight that holds NaN or an infinite value; None if there is none."""
    return next((w.path for w in model.weights if not np.isfinite(ops.convert_to_numpy(w)).all()), None)


def _to_json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def _read_json(path: pathlib.Path) -> Config:
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise ValueError(f"Cannot read {path}: {error.strerror}. A preset is a directory with {CONFIG}.") from error
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file: {error}.") from error
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
    beside = pathlib.Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        beside.chmod(0o755)
        yield beside
        old = beside.with_name(beside.name + ".old")
        if directory.exists():
            directory.rename(old)
        beside.rename(directory)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
