"""Decode picture files to pixels, as a viewer shows them."""

import contextlib
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from pixelrnn_tf.data.levels import map_range
from pixelrnn_tf.pictures.jpeg_data import without_end
from pixelrnn_tf.pictures.png_data import bit_depth, check_complete, scale_transparent_gray

# Formats that Pillow may detect, whatever the file's extension: a JPEG called .png is a JPEG.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
# Pictures that declare more pixels are rejected before decoding (24-megapixel photos are accepted).
MAX_PIXELS = 2**25
# Background of transparent pictures.
WHITE = 255
GRAY_MODES = ("1", "L", "LA")
COLOR_MODES = ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
PALETTE_MODES = ("P", "PA")
# Modes of 16-bit gray TIFFs.
WIDE_MODES = ("I;16", "I;16B", "I;16L")
EXIF_ORIENTATION = 0x0112
TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
# Offset of the color type in the header of a PNG: 0 and 4 are gray.
PNG_COLOR_TYPE = 25
ANIMATED_FORMATS = ("PNG", "GIF", "WEBP")


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded picture file.

    Attributes:
        pixels: uint8 `(height, width, 1)` for a gray picture, `(height, width, 3)` for a color one.
        transparent: True if a pixel was not opaque, so that white shows through.
        animated: True if more frames follow the decoded one.
        values: smallest and largest visible value in the file, before mapping to bytes.
        largest: largest value that the file format can hold, 255 or 65,535.
    """

    pixels: np.ndarray
    transparent: bool = False
    animated: bool = False
    values: tuple[int, int] = (0, 255)
    largest: int = 255

    @property
    def channels(self) -> int:
        """1 for gray, 3 for color."""
        return self.pixels.shape[-1]


def decode_picture(contents: bytes, value_range: tuple[int, int] | None = None) -> Picture:
    """Decode a PNG, JPEG, BMP, GIF, WebP or TIFF file.

    The EXIF orientation is applied, a palette is looked up, transparent pixels are drawn on white, 16 bits are rounded
    to 8, CMYK becomes RGB, and only the first frame of an animation is read. A picture is gray if its mode says so, or
    its palette has only grays. Color profiles are not applied. 16-bit color TIFFs are read at their upper 8 bits.

    Args:
        contents: bytes of the file.
        value_range: values of the file that become black and white, with those between in proportion; None for the full
            range of the file format.

    Raises:
        ValueError: if the file has another format, is damaged, declares more than `MAX_PIXELS` pixels, is shown
            differently by different viewers, or holds a value outside `value_range`.
    """
    with _named_faults(), _open(without_end(contents)) as image:
        return _decoded(image, contents, value_range)


def picture_channels(contents: bytes) -> int:
    """Number of channels, 1 for gray or 3 for color, from the header.

    Raises:
        ValueError: see `decode_picture`.
    """
    with _named_faults(), _open(contents) as image:
        return 1 if _is_gray(image, contents) else 3


@contextlib.contextmanager
def _named_faults() -> Iterator[None]:
    """Convert every error to a ValueError: decoders raise errors of many types."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _open(contents: bytes) -> Image.Image:
    """Open a picture: read and check its header without decoding it."""
    if not contents:
        raise ValueError("the file is empty.")
    try:
        image = Image.open(io.BytesIO(contents), formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"it has none of the formats {', '.join(FORMATS)}, or its header is damaged.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, larger limit.
        raise ValueError(f"it declares more than the limit of {MAX_PIXELS:,} pixels. {error}") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(f"it declares {width} x {height} pixels; the limit is {MAX_PIXELS:,}. Make it smaller first.")
    if image.format == "GIF" and image.tile and image.tile[0][1] not in (None, (0, 0, width, height)):
        raise ValueError(
            f"the first frame of this GIF covers only a part of its {width} x {height} pixels, and viewers show "
            "different things around it. Save it as a PNG."
        )
    if image.format == "TIFF" and (pages := getattr(image, "n_frames", 1)) > 1:
        raise ValueError(f"this TIFF has {pages} pages, but only one is supported. Save each page as a file.")
    return image


def _decoded(image: Image.Image, contents: bytes, value_range: tuple[int, int] | None) -> Picture:
    gray = _is_gray(image, contents)
    # A JPEG with a second picture inside, as some cameras write, is not an animation.
    animated = image.format in ANIMATED_FORMATS and getattr(image, "is_animated", False)
    image.load()
    check_complete(contents)
    largest = 65535 if _is_wide(image, contents) else 255
    values, opacity = _byte_values(image, contents, gray) if largest == 255 else _wide_values(image, contents)
    if opacity is not None and (opacity == largest).all():
        opacity = None
    visible = values if opacity is None else values[np.broadcast_to(opacity > 0, values.shape)]
    found = (int(visible.min()), int(visible.max())) if visible.size else (0, largest)
    low, high = value_range or (0, largest)
    if found[0] < low or found[1] > high:
        raise ValueError(f"it holds values from {found[0]} to {found[1]}, outside value_range={low},{high}.")
    pixels = map_range(values.clip(low, high), (low, high))
    if opacity is not None:
        pixels = _on_white(pixels, map_range(opacity, (0, largest)))
    pixels = _upright(pixels, image.getexif().get(EXIF_ORIENTATION))
    return Picture(pixels, opacity is not None, animated, found, largest)


def _is_gray(image: Image.Image, contents: bytes) -> bool:
    if image.mode in WIDE_MODES or bit_depth(contents) == 16:
        return image.format == "TIFF" or contents[PNG_COLOR_TYPE] in (0, 4)
    if image.mode in PALETTE_MODES:
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    if image.mode not in GRAY_MODES + COLOR_MODES:
        raise ValueError(f"its pixel mode {image.mode!r} is not supported. Save it as an 8-bit PNG.")
    return image.mode in GRAY_MODES


def _is_wide(image: Image.Image, contents: bytes) -> bool:
    """True if a sub-pixel has 16 bits."""
    return image.mode in WIDE_MODES or bit_depth(contents) == 16


def _wide_values(image: Image.Image, contents: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and opacity of a 16-bit picture, as uint16; Pillow would drop the lower byte of color PNGs."""
    if image.format == "TIFF":
        values = np.asarray(image)[..., None].astype("uint16")
        return (65535 - values if image.getexif().get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO else values), None
    values = tf.io.decode_png(contents, dtype=tf.uint16).numpy()
    if values.shape[-1] in (2, 4):
        return values[..., :-1], values[..., -1:]
    key = image.info.get("transparency")
    return values, None if key is None else np.where((values == key).all(-1, keepdims=True), 0, 65535)


def _byte_values(image: Image.Image, contents: bytes, gray: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and opacity of any other picture, as uint8."""
    scale_transparent_gray(image, contents)
    if image.has_transparency_data:
        values = np.asarray(image.convert("LA" if gray else "RGBA"))
        return values[..., :-1], values[..., -1:]
    values = np.asarray(image.convert("L" if gray else "RGB"))
    return values.reshape(*values.shape[:2], -1), None


def _on_white(pixels: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    opacity = opacity.astype("uint32")
    return ((pixels * opacity + WHITE * (255 - opacity) + 127) // 255).astype("uint8")


def _upright(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """Rotate and mirror pixels by the EXIF orientation; invalid ones are ignored, as in viewers."""
    if orientation not in range(2, 9):
        return np.ascontiguousarray(pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.getexif()[EXIF_ORIENTATION] = orientation
    turned = np.asarray(ImageOps.exif_transpose(image))
    return turned.reshape(*turned.shape[:2], -1)
