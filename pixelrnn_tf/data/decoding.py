"""The pixels of a picture file, as a viewer shows them."""

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

# What Pillow may take a file for, whatever its name ends in: a JPEG called .png is a JPEG.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
# A picture that declares more pixels than this is refused before it is decoded (24 megapixels of a camera are not).
MAX_PIXELS = 2**25
# What shows through a transparent picture, as on a page.
WHITE = 255
GRAY_MODES = ("1", "L", "LA")
COLOR_MODES = ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
PALETTE_MODES = ("P", "PA")
# Of a TIFF of 16 bits, gray.
WIDE_MODES = ("I;16", "I;16B", "I;16L")
EXIF_ORIENTATION = 0x0112
TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
# Where the header of a PNG holds its color type: 0 and 4 are gray.
PNG_COLOR_TYPE = 25
ANIMATED_FORMATS = ("PNG", "GIF", "WEBP")


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded picture file.

    Attributes:
        pixels: uint8 `(height, width, 1)` of a gray picture, `(height, width, 3)` of a color one.
        transparent: whether a pixel was not opaque, so that white shows through.
        animated: whether more frames follow the one that was read.
        values: the smallest and the largest value in the file that is visible, before it is mapped to a byte.
        largest: the largest value that the file can hold, 255 or 65,535.
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

    The picture is turned as its EXIF orientation says, a palette is looked up, transparent pixels lie on white,
    16 bits are rounded to 8, CMYK becomes RGB, and of an animation the first frame is read. It is gray if its
    file says so: by its mode, or by a palette of grays alone. Color profiles are not applied. Color TIFFs of 16 bits
    are read at their upper 8 bits.

    Args:
        contents: of the file.
        value_range: the values of the file that become black and white, with those between in proportion; None for
            all that it can hold.

    Raises:
        ValueError: if it is none of these, is damaged or declares more than `MAX_PIXELS` pixels, viewers do not agree
            on what it shows, or a value is outside `value_range`.
    """
    with _named_faults(), _open(without_end(contents)) as image:
        return _decoded(image, contents, value_range)


def picture_channels(contents: bytes) -> int:
    """1 for a gray picture and 3 for a color one, from the header alone.

    Raises:
        ValueError: as `decode_picture`.
    """
    with _named_faults(), _open(contents) as image:
        return 1 if _is_gray(image, contents) else 3


@contextlib.contextmanager
def _named_faults() -> Iterator[None]:
    """Let every fault be a ValueError: a decoder raises whatever it stumbles on."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _open(contents: bytes) -> Image.Image:
    """The picture with its header read and checked, and nothing decoded."""
    if not contents:
        raise ValueError("the file is empty.")
    try:
        image = Image.open(io.BytesIO(contents), formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"it is no file of the formats {', '.join(FORMATS)}, or its header is damaged.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, larger bound.
        raise ValueError(f"it declares more than the {MAX_PIXELS:,} pixels that are read. {error}") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"it declares {width} x {height} pixels; at most {MAX_PIXELS:,} are read. Make it smaller first."
        )
    if image.format == "GIF" and image.tile and image.tile[0][1] not in (None, (0, 0, width, height)):
        raise ValueError(
            f"the first frame of this GIF covers only a part of its {width} x {height} pixels, and viewers differ "
            "in what they show around it. Save it as a PNG."
        )
    if image.format == "TIFF" and (pages := getattr(image, "n_frames", 1)) > 1:
        raise ValueError(f"this TIFF has {pages} pages; files of one page are read. Save each as a file.")
    return image


def _decoded(image: Image.Image, contents: bytes, value_range: tuple[int, int] | None) -> Picture:
    gray = _is_gray(image, contents)
    # A JPEG with a second picture inside, as some cameras write, is no animation.
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
        raise ValueError(f"its pixels are of the kind {image.mode!r}, which is not read. Save it as an 8-bit PNG.")
    return image.mode in GRAY_MODES


def _is_wide(image: Image.Image, contents: bytes) -> bool:
    """Whether a sub-pixel has 16 bits."""
    return image.mode in WIDE_MODES or bit_depth(contents) == 16


def _wide_values(image: Image.Image, contents: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and opacity of a picture of 16 bits, uint16; of colors of a PNG Pillow would drop the lower byte."""
    if image.format == "TIFF":
        values = np.asarray(image)[..., None].astype("uint16")
        return (65535 - values if image.getexif().get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO else values), None
    values = tf.io.decode_png(contents, dtype=tf.uint16).numpy()
    if values.shape[-1] in (2, 4):
        return values[..., :-1], values[..., -1:]
    key = image.info.get("transparency")
    return values, None if key is None else np.where((values == key).all(-1, keepdims=True), 0, 65535)


def _byte_values(image: Image.Image, contents: bytes, gray: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and opacity of any other picture, uint8."""
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
    """Turn and mirror pixels by the EXIF orientation; one that means nothing is ignored, as viewers do."""
    if orientation not in range(2, 9):
        return np.ascontiguousarray(pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.getexif()[EXIF_ORIENTATION] = orientation
    turned = np.asarray(ImageOps.exif_transpose(image))
    return turned.reshape(*turned.shape[:2], -1)
