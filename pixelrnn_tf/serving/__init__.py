"""Serving with TensorFlow Serving: SavedModel export, its check, and a client."""

from pixelrnn_tf.serving.client.client import Classes, Client, Drawn, Scores, Surprise
from pixelrnn_tf.serving.client.errors import (
    ModelLoadingError,
    ModelNotFoundError,
    RequestRejectedError,
    ServerTimeoutError,
    ServerUnavailableError,
    ServingError,
)

__all__ = [
    "Classes",
    "Client",
    "Drawn",
    "ModelLoadingError",
    "ModelNotFoundError",
    "RequestRejectedError",
    "Scores",
    "ServerTimeoutError",
    "ServerUnavailableError",
    "ServingError",
    "Surprise",
]
