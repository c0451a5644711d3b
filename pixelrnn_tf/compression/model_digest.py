"""What tells a model: a file names the one that it needs."""

import hashlib
import inspect
import json
from typing import Any

import keras

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.models.preset_files import weights_digest


def model_digest(model: ImageModel) -> bytes:
    """16 bytes that tell a model: the first of the SHA-256 of its class, its arguments and its weights.

    Its name and dtype do not count, and arguments count if they are not their defaults, so that a new one does not
    change the digest of the models there are.
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
    """An argument; of a serialised layer its registered name and its arguments, not where its code lies.

    Nor whether it is frozen, of which a file says what it always said, that it is not; nor the names of classes, which
    decide no code.
    """
    if not isinstance(value, dict) or "registered_name" not in value:
        return value
    config = {key: item for key, item in value["config"].items() if key != "class_names"}
    return [value["registered_name"], {**config, "trainable": True} if "trainable" in config else config]
