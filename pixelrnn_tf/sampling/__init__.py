"""Generating and completing images, on TensorFlow and on JAX.

Each name is imported when it is first used, so that the modules that need numpy alone (`philox`, `temperature`) do not
wait for Keras to load.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixelrnn_tf.sampling.generation import generate
    from pixelrnn_tf.sampling.inverse_cdf import draw_level
    from pixelrnn_tf.sampling.noise import image_noise, image_seeds
    from pixelrnn_tf.sampling.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, check_temperature

__all__ = [
    "MAX_TEMPERATURE",
    "MIN_TEMPERATURE",
    "check_temperature",
    "draw_level",
    "generate",
    "image_noise",
    "image_seeds",
]

_MODULES = {
    "MAX_TEMPERATURE": "temperature",
    "MIN_TEMPERATURE": "temperature",
    "check_temperature": "temperature",
    "draw_level": "inverse_cdf",
    "generate": "generation",
    "image_noise": "noise",
    "image_seeds": "noise",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'pixelrnn_tf.sampling' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pixelrnn_tf.sampling.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
