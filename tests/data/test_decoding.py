"""Picture files are read as a viewer shows them, or refused with the reason."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from pixelrnn_tf.data.decoding import MAX_PIXELS, decode_picture, picture_channels
from tests.support.raw_pngs import ADAM7, chunk, interlaced, raw_png

ORIENTATION = 0x0112


def encoded(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def pixels(contents):
    picture = decode_picture(contents)
    assert picture.pixels.dtype == np.uint8
    assert picture_channels(contents) == picture.pixels.shape[-1]
    return picture.pixels.tolist()


def palette_image(indices, colors):
    image = Image.new("P", (len(indices), 1))
    image.putpalette([value for color in colors for value in color])
    image.putdata(indices)
    return image


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_pictures_are_turned_as_exif_says(form):
    original = Image.fromarray(np.random.RandomState(0).randint(0, 256, (3, 5, 3)).astype("uint8"))
    for orientation in range(10):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        contents = encoded(original, form, exif=exif)
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(contents))))
        assert np.array_equal(pixels(contents), expected), orientation


def test_a_camera_held_upright_gives_an_upright_picture():
    # The sensor's rows run down the picture: 6 says that its left column is the picture's top row, reversed.
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    lying = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], "uint8"))
    assert np.array(pixels(encoded(lying, exif=exif)))[..., 0].tolist() == [[4, 1], [5, 2], [6, 3]]


@pytest.mark.parametrize("form", ["BMP", "PNG", "GIF"])
def test_palettes_are_looked_up(form):
    colors = palette_image([2, 0, 1], [[9, 8, 7], [255, 0, 0], [0, 0, 255]])
    assert pixels(encoded(colors, form)) == [[[0, 0, 255], [9, 8, 7], [255, 0, 0]]]
    grays = palette_image([2, 0, 1], [[200] * 3, [100] * 3, [30] * 3])
    assert pixels(encoded(grays, form)) == [[[30], [200], [100]]]


def test_gray_is_gray_and_one_bit_is_black_and_white():
    assert pixels(encoded(Image.fromarray(np.array([[0, 77, 255]], "uint8")))) == [[[0], [77], [255]]]
    for form in ("PNG", "BMP"):
        assert pixels(encoded(Image.fromarray(np.array([[True, False]])), form)) == [[[255], [0]]]


def test_sixteen_bits_are_rounded_to_the_nearest_byte():
    values = np.array([[0, 128, 129, 256, 385, 386, 32767, 32768, 65406, 65407, 65535]], "uint16")
    nearest = [0, 0, 1, 1, 1, 2, 127, 128, 254, 255, 255]
    assert (np.floor(values[0] / 257 + 0.5) == nearest).all()
    for channels in (1, 3):
        wide = np.repeat(values[..., None], channels, -1)
        contents = tf.io.encode_png(wide).numpy()
        assert pixels(contents) == np.repeat(np.array(nearest)[None, :, None], channels, -1).tolist()
        opaque = np.concatenate([wide, np.full_like(values, 65535)[..., None]], -1)
        assert pixels(tf.io.encode_png(opaque).numpy()) == pixels(contents)


def test_cmyk_is_the_same_with_and_without_its_marker():
    contents = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    start = contents.index(b"\xff\xee")
    length = int.from_bytes(contents[start + 2 : start + 4], "big")
    assert contents[start + 4 : start + 9] == b"Adobe"
    bare = contents[:start] + contents[start + 2 + length :]
    for file in (contents, bare):
        assert (np.array(pixels(file)) == [255, 0, 0]).all()


def test_transparent_pictures_lie_on_white():
    # 128 of 255: 0 * 128 / 255 + 255 * 127 / 255 is 127; 100 gives 177.2.
    half = np.array([[[100, 0, 255, 128], [1, 2, 3, 0], [1, 2, 3, 255]]], "uint8")
    for form in ("PNG", "WEBP"):
        contents = encoded(Image.fromarray(half), form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))
        assert pixels(contents) == [[[177, 127, 255], [255, 255, 255], [1, 2, 3]]]
        assert decode_picture(contents).transparent
    gray = Image.fromarray(np.array([[[100, 128], [7, 0], [7, 255]]], "uint8"))
    assert pixels(encoded(gray)) == [[[177], [255], [7]]]
    for form in ("PNG", "GIF"):
        colors = palette_image([0, 1], [[255, 0, 0], [0, 0, 255]])
        contents = encoded(colors, form, transparency=1)
        assert pixels(contents) == [[[255, 0, 0], [255, 255, 255]]]
    one_gray = encoded(Image.fromarray(np.array([[5, 6]], "uint8")), transparency=6)
    assert pixels(one_gray) == [[[5], [255]]]
    assert not decode_picture(encoded(Image.fromarray(half[:, 2:]))).transparent


def test_an_animation_is_its_first_frame():
    frames = [Image.new("RGB", (2, 1), color) for color in ("red", "blue")]
    for form in ("GIF", "PNG", "WEBP"):
        picture = decode_picture(
            encoded(
                frames[0],
                form,
                save_all=True,
                append_images=frames[1:],
                **({"lossless": True} if form == "WEBP" else {}),
            )
        )
        assert picture.animated
        assert picture.pixels.tolist() == [[[255, 0, 0]] * 2]
    assert not decode_picture(encoded(frames[0], "GIF")).animated


def test_a_gif_that_covers_a_part_of_itself_is_refused():
    contents = bytearray(encoded(palette_image([0, 1], [[255, 0, 0], [0, 0, 255]]), "GIF"))
    contents[6:8] = struct.pack("<H", 4)  # The canvas: 4 pixels wide, of which the frame has 2.
    with pytest.raises(ValueError, match=r"covers only a part of its 4 x 1 pixels.*Save it as a PNG"):
        decode_picture(bytes(contents))


def test_the_end_of_a_name_does_not_matter_but_the_format_does():
    with pytest.raises(ValueError, match="none of the formats PNG, JPEG, BMP, GIF, WEBP, TIFF"):
        decode_picture(encoded(Image.new("L", (2, 2)), "PPM"))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [6_000, 13_000, 60_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(side):
    # A header alone: whoever decodes it first finds no pixels, and says something else.
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    contents = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    contents += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    assert side**2 > MAX_PIXELS
    for decode in (decode_picture, picture_channels):
        with pytest.raises(
            ValueError, match=r"it declares (6000 x 6000|13000 x 13000|more than the limit of 33,554,432) pixels"
        ):
            decode(contents)


def test_damaged_files_are_refused():
    image = Image.fromarray(np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype("uint8"))
    for form in ("PNG", "JPEG", "BMP", "GIF", "WEBP"):
        contents = encoded(image, form)
        for end in (0, 1, len(contents) // 2, len(contents) * 9 // 10):
            with pytest.raises(ValueError, match=r"\w"):
                decode_picture(contents[:end])
    stored = bytearray(encoded(image, compress_level=0))
    stored[len(stored) // 2] ^= 255  # A wrong pixel, which only the checksum tells.
    with pytest.raises(ValueError, match="broken"):
        decode_picture(bytes(stored))


def png_of_bits(depth, color_type, row, *more):
    """A PNG of one row of 4 pixels."""
    return raw_png((4, 1, depth, color_type, 0, 0, 0), zlib.compress(b"\0" + bytes(row)), *more)


def test_a_transparent_color_of_any_depth_lies_on_white():
    hidden = chunk(b"tRNS", struct.pack(">H", 2))
    assert pixels(png_of_bits(2, 0, [0b00011011], hidden)) == [[[0], [85], [255], [255]]]
    assert pixels(png_of_bits(4, 0, [0x02, 0x3F], hidden)) == [[[0], [255], [51], [255]]]
    assert pixels(png_of_bits(1, 0, [0b01010000], chunk(b"tRNS", b"\0\1"))) == [[[0], [255], [0], [255]]]
    # In the upper byte alone 0x0102 and 0x0103 are the same.
    gray = png_of_bits(16, 0, [1, 2, 1, 3, 0, 0, 255, 255], chunk(b"tRNS", b"\1\2"))
    assert pixels(gray) == [[[255], [1], [0], [255]]]
    color = png_of_bits(16, 2, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7, *12 * [0]], chunk(b"tRNS", b"\1\2\3\4\5\6"))
    assert pixels(color) == [[[255] * 3, [1, 3, 5], [0] * 3, [0] * 3]]
    assert decode_picture(gray).transparent
    assert decode_picture(color).transparent


@pytest.mark.parametrize("interlace", [0, 1])
def test_a_png_whose_data_end_early_is_refused(interlace):
    picture = np.full((6, 9), 200, "uint8")
    rows = b"".join(b"\0" + row.tobytes() for row in picture[:3])
    if interlace:
        assert pixels(interlaced(picture)) == picture[..., None].tolist()
        rows = b"".join(b"\0" + line.tobytes() for r, c, dr, dc in ADAM7[:5] for line in picture[r::dr, c::dc])
    with pytest.raises(ValueError, match=r"its image data end after \d+ of \d+ bytes: the file is truncated"):
        decode_picture(raw_png((9, 6, 8, 0, 0, 0, interlace), zlib.compress(rows)))


def test_tiffs_are_read():
    assert pixels(encoded(Image.fromarray(np.array([[1, 200]], "uint8")), "TIFF")) == [[[1], [200]]]
    assert pixels(encoded(Image.fromarray(np.array([[[1, 2, 3]]], "uint8")), "TIFF")) == [[[1, 2, 3]]]
    wide = Image.fromarray(np.array([[0, 257, 65535]], "uint16"))
    assert pixels(encoded(wide, "TIFF")) == [[[0], [1], [255]]]
    negative = encoded(wide, "TIFF", tiffinfo={262: 0})
    assert pixels(negative) == [[[255], [254], [0]]]
    exif = {ORIENTATION: 6}
    lying = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], "uint8"))
    assert np.array(pixels(encoded(lying, "TIFF", tiffinfo=exif)))[..., 0].tolist() == [[4, 1], [5, 2], [6, 3]]
    with pytest.raises(ValueError, match=r"this TIFF has 2 pages, but only one is supported"):
        decode_picture(encoded(lying, "TIFF", save_all=True, append_images=[lying]))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_twelve_bits_in_sixteen_are_mapped_by_their_range(form):
    twelve = encoded(Image.fromarray(np.array([[0, 1000, 2048, 4095]], "uint16")), form)
    picture = decode_picture(twelve)
    assert picture.pixels.ravel().tolist() == [0, 4, 8, 16]
    assert (picture.values, picture.largest) == ((0, 4095), 65535)
    mapped = decode_picture(twelve, value_range=(0, 4095)).pixels.ravel()
    assert mapped.tolist() == np.round(np.array([0, 1000, 2048, 4095]) * 255 / 4095).tolist()
    with pytest.raises(ValueError, match=r"holds values from 0 to 4095, outside value_range=0,4000"):
        decode_picture(twelve, value_range=(0, 4000))
    byte = encoded(Image.fromarray(np.array([[10, 11, 12]], "uint8")), form)
    assert decode_picture(byte, value_range=(10, 12)).pixels.ravel().tolist() == [0, 128, 255]


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"restart_marker_blocks": 2}, {"subsampling": 0}])
@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_a_jpeg_whose_data_end_early_is_refused_although_its_end_is_marked(mode, channels, options):
    picture = np.random.RandomState(0).randint(0, 256, (37, 21, channels)).astype("uint8")
    whole = encoded(Image.fromarray(picture.squeeze(), mode), "JPEG", **options)
    shown = np.asarray(Image.open(io.BytesIO(whole))).reshape(picture.shape)
    # What follows the end, such as a second picture, does not matter.
    for contents in (whole, whole + b"\0" * 20, whole + whole):
        assert np.array_equal(decode_picture(contents).pixels, shown)
    for kept in (0.6, 0.95):
        half = whole[: int(kept * len(whole))].rstrip(b"\xff") + b"\xff\xd9"
        assert np.asarray(Image.open(io.BytesIO(half))).shape[:2] == (37, 21), "Pillow does not notice"
        with pytest.raises(ValueError, match="truncated"):
            decode_picture(half)


def test_a_progressive_jpeg_is_read():
    picture = Image.fromarray(np.random.RandomState(0).randint(0, 256, (37, 21)).astype("uint8"))
    contents = encoded(picture, "JPEG", progressive=True)
    assert np.array_equal(decode_picture(contents).pixels[..., 0], np.asarray(Image.open(io.BytesIO(contents))))
