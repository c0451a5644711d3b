"""PNG files, without TensorFlow, which takes seconds to import."""

import io
import os

import numpy as np
from PIL import Image

from pixelrnn_tf.programs.files import written_beside


def encode(picture: np.ndarray) -> bytes:
    """uint8 `(height, width)` or `(height, width, 1 or 3)` as a PNG file."""
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def write(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write uint8 `(height, width)` or `(height, width, 1 or 3)` as a PNG file that is whole or not there."""
    with written_beside(path) as beside:
        beside.write_bytes(encode(picture))


def decode(png: bytes, name: str, channels: int) -> np.ndarray:
    """uint8 `(height, width, channels)`, for 1 or 3 channels.

    Raises:
        ValueError: if it is no PNG file that can be read.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            picture = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is no PNG file that can be read: {error}") from error
    return picture.reshape(*picture.shape[:2], channels)
