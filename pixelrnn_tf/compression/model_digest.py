"""Digest of a model, by which a file identifies the model it needs."""

import hashlib
import inspect
import json
from typing import Any

import keras

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.preset_files import weights_digest


def model_digest(model: ImageModel) -> bytes:
    """Compute 16 bytes that identify a model: the start of the SHA-256 of its class, its arguments and its weights.

    The name and dtype are excluded. Arguments with their default value are excluded too, so that a new argument does
    not change the digest of existing models.
    """
    config, parameters = model.get_config(), inspect.signature(type(model).__init__).parameters
    ignored = {"name", "dtype", "trainable"}
    given = {
        key: _told(value)
        for key, value in config.items()
        if key not in ignored and not (key in parameters and parameters[key].default == value)
    }
    name = keras.saving.get_registered_name(type(model))
    told = json.dumps([name, given, weights_digest(model)], sort_keys=True)
    return hashlib.sha256(told.encode()).digest()[:16]


def _told(value: Any) -> Any:
    """Reduce a serialized layer to its registered name and arguments, without the location of its code.

    The flag `trainable` is recorded as True, as it always was, and the names of classes are left out: neither affects
    the code.
    """
    if not isinstance(value, dict) or "registered_name" not in value:
        return value
    config = {key: item for key, item in value["config"].items() if key != "class_names"}
    return [value["registered_name"], {**config, "trainable": True} if "trainable" in config else config]
