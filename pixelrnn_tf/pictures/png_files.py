"""Read and write PNG files without TensorFlow, which takes seconds to import.

A file is read to the pixels that a viewer shows, or rejected with a clear error.
"""

import contextlib
import io
import os
import pathlib
import warnings

import numpy as np
from PIL import Image, ImageOps

from pixelrnn_tf.files import written_beside
from pixelrnn_tf.pictures.png_data import START, bit_depth, check_complete, chunks, scale_transparent_gray
from pixelrnn_tf.regular_files import read_regular

# More pixels than any network here takes; a header may declare any number.
MOST_PIXELS = 2**24
# Maximum size of a file; no picture with the permitted number of pixels needs more.
MOST_BYTES = 2**27

_ORIENTATION = 0x112  # EXIF tag.


def encode(picture: np.ndarray) -> bytes:
    """Encode uint8 `(height, width)` or `(height, width, 1 or 3)` as a PNG file."""
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def write(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write uint8 `(height, width)` or `(height, width, 1 or 3)` as a PNG file, atomically."""
    with written_beside(path) as beside:
        beside.write_bytes(encode(picture))


def size(png: bytes, name: str) -> tuple[int, int]:
    """Read (height, width) from the header of a PNG file without decoding it.

    Args:
        png: the file.
        name: name of the file in errors.

    Raises:
        ValueError: if it is not a PNG file.
    """
    if not png.startswith(START) or len(png) < 33:
        raise ValueError(f"{name} is not a readable PNG file: its signature is missing.")
    return int.from_bytes(png[20:24], "big"), int.from_bytes(png[16:20], "big")


def not_plain(png: bytes) -> str:
    """Describe how viewers show a PNG file other than by its stored pixels: "turned", "animated", "transparent" or "".

    Programs that only read the pixels, such as TensorFlow, then see another picture.
    """
    for kind, content in chunks(png):
        if kind == b"acTL":
            return "animated"
        if kind == b"eXIf":
            exif = Image.Exif()
            exif.load(content)
            if exif.get(_ORIENTATION, 1) != 1:
                return "turned"
        # Of a broken file, whoever reads the pixels tells what is wrong.
        with contextlib.suppress(OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            if kind == b"tRNS" and not _is_opaque(Image.open(io.BytesIO(png), formats=["PNG"]), png):
                return "transparent"
    return ""


def _is_opaque(image: Image.Image, png: bytes) -> bool:
    """Return False if a pixel of the picture of a PNG file is transparent."""
    scale_transparent_gray(image, png)
    return image.convert("RGBA").getchannel("A").getextrema()[0] == 255


def decode(png: bytes, name: str, channels: int) -> np.ndarray:
    """Decode a PNG file to uint8 `(height, width, channels)`, with 1 or 3 channels.

    Raises:
        ValueError: if it is not a readable PNG file, or has unsupported pixels: color instead of gray, 16 bits,
            transparency, several frames, or more than 2^24 pixels.
    """
    with _opened(png, name) as image:
        if channels == 1 and image.mode not in ("1", "L"):
            raise ValueError(f"{name} is a PNG of mode {image.mode}; grayscale is required.")
        picture = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return picture.reshape(*picture.shape[:2], channels)


def read(path: str | os.PathLike, channels: int) -> np.ndarray:
    """Read a PNG file of at most `MOST_BYTES`; see `decode`."""
    return decode(read_regular(pathlib.Path(os.path.expanduser(path)), MOST_BYTES), os.fspath(path), channels)


def decode_mask(png: bytes, name: str, height: int, width: int) -> np.ndarray:
    """Decode a mask to bool `(height, width)`, True where it is white (at least 128 of 255).

    Colors are converted to their luma.

    Raises:
        ValueError: see `decode`; also for a mask of another size.
    """
    given = size(png, name)
    if given not in ((height, width), (width, height)):  # EXIF may rotate it.
        raise ValueError(f"{name} is {given[0]}x{given[1]}; the images are {height}x{width}.")
    with _opened(png, name) as image:
        picture = np.asarray(image.convert("L"))
    if picture.shape != (height, width):
        raise ValueError(f"{name} is {picture.shape[0]}x{picture.shape[1]}; the images are {height}x{width}.")
    return picture >= 128


def _opened(png: bytes, name: str) -> Image.Image:
    """Decode a PNG file and apply its EXIF orientation."""
    height, width = size(png, name)
    if height * width > MOST_PIXELS:
        raise ValueError(f"{name} declares {height}x{width} pixels; at most {MOST_PIXELS:,} are supported.")
    try:
        check_complete(png)
    except ValueError as error:
        raise ValueError(f"{name} is not a readable PNG file: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Harmless defects, such as in text chunks.
            image = Image.open(io.BytesIO(png), formats=["PNG"])
            image.load()
            if getattr(image, "n_frames", 1) > 1:
                raise ValueError(f"{name} is an animated PNG; a single picture is required.")
            if bit_depth(png) == 16:  # Pillow would drop the lower byte of colors.
                raise ValueError(f"{name} is a 16-bit PNG; 8 bits are required.")
            return ImageOps.exif_transpose(_opaque(image, png, name))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is not a readable PNG file: {error}") from error


def _opaque(image: Image.Image, png: bytes, name: str) -> Image.Image:
    """Remove the transparency of a picture if it has only opaque pixels.

    Raises:
        ValueError: if a pixel is transparent.
    """
    if not image.has_transparency_data:
        return image
    if not _is_opaque(image, png):
        raise ValueError(f"{name} is a PNG with transparent pixels; opaque ones are required.")
    without = image.convert("RGBA").convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    without.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return without
