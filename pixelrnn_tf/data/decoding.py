"""The pixels of a picture file, as a viewer shows them."""

import contextlib
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image

# What Pillow may take a file for, whatever its name ends in: a JPEG called .png is a JPEG.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
# A picture that declares more pixels than this is refused before it is decoded (24 megapixels of a camera are not).
MAX_PIXELS = 2**25
# What shows through a transparent picture, as on a page.
WHITE = 255
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
PALETTE_MODES = ("P", "PA")
EXIF_ORIENTATION = 0x0112
# Where the header of a PNG holds the bits of a sub-pixel, and its colour type: 0 and 4 are grey.
PNG_SIGNATURE, PNG_DEPTH, PNG_COLOUR_TYPE = b"\x89PNG\r\n\x1a\n", 24, 25
ANIMATED_FORMATS = ("PNG", "GIF", "WEBP")


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a picture file holds.

    Attributes:
        pixels: uint8 `(height, width, 1)` of a grey picture, `(height, width, 3)` of a colour one.
        transparent: whether a pixel was not opaque, so that white shows through.
        animated: whether more frames follow the one that was read.
    """

    pixels: np.ndarray
    transparent: bool
    animated: bool

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.pixels.shape[-1]


def decode_picture(contents: bytes) -> Picture:
    """Decode a PNG, JPEG, BMP, GIF or WebP file.

    The picture is turned as its EXIF orientation says, a palette is looked up, transparent pixels lie on white,
    16 bits are rounded to 8, CMYK becomes RGB, and of an animation the first frame is read. It is grey if its
    file says so: by its mode, or by a palette of greys alone. Colour profiles are not applied.

    Raises:
        ValueError: if it is none of these, is damaged or declares more than `MAX_PIXELS` pixels, or viewers do
            not agree on what it shows.
    """
    with _named_faults(), _open(contents) as image:
        return _decoded(image, contents)


def picture_channels(contents: bytes) -> int:
    """1 for a grey picture and 3 for a colour one, from the header alone.

    Raises:
        ValueError: as `decode_picture`.
    """
    with _named_faults(), _open(contents) as image:
        return 1 if _is_grey(image, contents) else 3


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
    return image


def _decoded(image: Image.Image, contents: bytes) -> Picture:
    grey = _is_grey(image, contents)
    # A JPEG with a second picture inside, as some cameras write, is no animation.
    animated = image.format in ANIMATED_FORMATS and getattr(image, "is_animated", False)
    orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    if _has_sixteen_bits(contents):
        pixels, opacity = _sixteen_bits(contents)
    elif image.has_transparency_data:
        pixels = np.asarray(image.convert("LA" if grey else "RGBA"))
        pixels, opacity = pixels[..., :-1], pixels[..., -1:]
    else:
        pixels = np.asarray(image.convert("L" if grey else "RGB"))
        pixels, opacity = pixels.reshape(*pixels.shape[:2], -1), None
    transparent = False
    if opacity is not None and (opacity < 255).any():
        pixels, transparent = _on_white(pixels, opacity), True
    return Picture(np.ascontiguousarray(_upright(pixels, orientation)), transparent, animated)


def _is_grey(image: Image.Image, contents: bytes) -> bool:
    if _has_sixteen_bits(contents):
        return contents[PNG_COLOUR_TYPE] in (0, 4)
    if image.mode in PALETTE_MODES:
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    if image.mode not in GREY_MODES + COLOUR_MODES:
        raise ValueError(f"its pixels are of the kind {image.mode!r}, which is not read. Save it as an 8-bit PNG.")
    return image.mode in GREY_MODES


def _has_sixteen_bits(contents: bytes) -> bool:
    return contents.startswith(PNG_SIGNATURE) and contents[PNG_DEPTH] == 16


def _sixteen_bits(contents: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and opacity of a PNG of 16 bits, of which Pillow would drop the lower byte of colours."""
    pixels = tf.io.decode_png(contents, dtype=tf.uint16).numpy().astype("uint32")
    # 65535 / 255 is 257: to the nearest byte.
    pixels = ((pixels + 128) // 257).astype("uint8")
    has_opacity = pixels.shape[-1] in (2, 4)
    return (pixels[..., :-1], pixels[..., -1:]) if has_opacity else (pixels, None)


def _on_white(pixels: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    opacity = opacity.astype("uint32")
    return ((pixels * opacity + WHITE * (255 - opacity) + 127) // 255).astype("uint8")


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror pixels by the EXIF orientation: 2 to 4 mirror and turn them by half, 5 to 8 by a quarter too."""
    if orientation not in range(1, 9):
        return pixels  # As viewers do with a number that means nothing.
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    upside_down = orientation in (3, 4, 7, 8)
    mirrored = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
