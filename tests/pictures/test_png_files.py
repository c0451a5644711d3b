"""PNG files are read to what a viewer shows, or refused by name."""

import io
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from pixelrnn_tf.pictures import occlusion, png_files
from tests.support.raw_pngs import chunk, interlaced, raw_png, turned

GRAY = np.arange(12, dtype="uint8").reshape(3, 4) * 20


def saved(image, **arguments):
    stream = io.BytesIO()
    image.save(stream, "PNG", **arguments)
    return stream.getvalue()


def with_alpha(alpha):
    return Image.merge("LA", (Image.fromarray(GRAY), Image.fromarray(np.full_like(GRAY, alpha))))


def test_what_is_written_is_read():
    picture = np.arange(18, dtype="uint8").reshape(2, 3, 3)
    assert np.array_equal(png_files.decode(png_files.encode(picture), "a.png", 3), picture)
    assert np.array_equal(png_files.decode(png_files.encode(GRAY), "a.png", 1)[..., 0], GRAY)
    for broken in (b"", b"GIF89a" + b"\0" * 30, png_files.encode(picture)[:50]):
        with pytest.raises(ValueError, match=r"a\.png is not a readable PNG file"):
            png_files.decode(broken, "a.png", 3)


@pytest.mark.parametrize(
    ("png", "expected"),
    [
        (interlaced(GRAY), GRAY),
        (turned(png_files.encode(GRAY)), np.rot90(GRAY, -1)),
        (turned(png_files.encode(GRAY), 1), GRAY),
        (saved(Image.fromarray(GRAY > 100)), 255 * (GRAY > 100)),
        (saved(with_alpha(255)), GRAY),
        (saved(Image.fromarray(GRAY), transparency=7), GRAY),
    ],
    ids=["interlaced", "turned", "not turned", "one bit", "opaque", "a transparent gray that is not there"],
)
def test_gray_pictures_of_every_form(png, expected):
    assert np.array_equal(png_files.decode(png, "a.png", 1)[..., 0], expected)
    assert np.array_equal(png_files.decode(png, "a.png", 3)[..., 1], expected)


def test_a_palette_is_looked_up():
    colors = Image.fromarray(GRAY // 20).convert("P")
    colors.putpalette([200, 10, 30, 0, 0, 255, 9, 8, 7] * 4 + [0] * 732)
    picture = png_files.decode(saved(colors), "a.png", 3)
    assert picture[0, :3].tolist() == [[200, 10, 30], [0, 0, 255], [9, 8, 7]]
    with pytest.raises(ValueError, match=r"a\.png is a PNG of mode P; grayscale is required"):
        png_files.decode(saved(colors), "a.png", 1)


@pytest.mark.parametrize(
    ("png", "words"),
    [
        (saved(Image.fromarray(GRAY.astype("uint16") * 257)), "a 16-bit PNG; 8 bits are required"),
        (saved(with_alpha(254)), "a PNG with transparent pixels; opaque ones are required"),
        (saved(Image.fromarray(GRAY), transparency=40), "a PNG with transparent pixels"),
        (saved(Image.fromarray(GRAY), save_all=True, append_images=[Image.fromarray(255 - GRAY)]), "an animated PNG"),
    ],
    ids=["16 bits", "transparent", "a transparent gray", "animated"],
)
def test_what_has_no_8_bit_pixels_is_refused_by_name(png, words, tmp_path):
    with pytest.raises(ValueError, match=rf"a\.png is {words}"):
        png_files.decode(png, "a.png", 1)
    (tmp_path / "mask.png").write_bytes(png)
    with pytest.raises(ValueError, match=rf"The mask .*mask\.png is {words}"):
        occlusion.known_pixels(str(tmp_path / "mask.png"), 3, 4)


def test_a_giant_is_refused_from_its_header(tmp_path):
    small, side = png_files.encode(GRAY), (13_000).to_bytes(4, "big")
    giant, start = small[:16] + side + side + small[24:], time.process_time()
    with pytest.raises(ValueError, match=r"a\.png declares 13000x13000 pixels; at most 16,777,216 are supported"):
        png_files.decode(giant, "a.png", 1)
    (tmp_path / "mask.png").write_bytes(giant)
    with pytest.raises(ValueError, match=r"mask\.png is 13000x13000; the images are 3x4"):
        occlusion.known_pixels(str(tmp_path / "mask.png"), 3, 4)
    assert time.process_time() - start < 0.1


def test_a_mask_is_as_it_is_shown(tmp_path):
    path = tmp_path / "mask.png"
    known = GRAY >= 128
    for png in (png_files.encode(GRAY), interlaced(GRAY), turned(png_files.encode(np.rot90(GRAY)))):
        path.write_bytes(png)
        assert np.array_equal(occlusion.known_pixels(str(path), 3, 4), known)
    red = np.zeros((3, 4, 3), "uint8")
    red[..., 0], red[0] = 255, 255
    path.write_bytes(png_files.encode(red))
    assert np.array_equal(occlusion.known_pixels(str(path), 3, 4), red[..., 1] > 0), "red is darker than half"
    path.write_bytes(turned(png_files.encode(GRAY)))
    with pytest.raises(ValueError, match=r"mask\.png is 4x3; the images are 3x4"):
        occlusion.known_pixels(str(path), 3, 4)


def test_what_viewers_change_is_told():
    plain = png_files.encode(GRAY)
    assert [png_files.not_plain(png) for png in (plain, turned(plain, 1), turned(plain, 3), b"no picture")] == [
        "", "", "turned", "",
    ]  # fmt: skip
    animated = saved(Image.fromarray(GRAY), save_all=True, append_images=[Image.fromarray(255 - GRAY)])
    assert png_files.not_plain(animated) == "animated"
    assert png_files.not_plain(plain[:40]) == ""
    color = Image.fromarray(np.stack([GRAY] * 3, -1))
    transparent = [saved(Image.fromarray(GRAY), transparency=key) for key in (7, 20)]
    transparent += [saved(color, transparency=(20, 20, key)) for key in (7, 20)]
    assert [png_files.not_plain(png) for png in transparent] == ["", "transparent"] * 2
    assert png_files.not_plain(transparent[1][:70]) == "", "a broken file is for the server to refuse"


def test_what_another_reader_would_change_is_refused():
    """Pillow drops the lower byte of 16-bit colors, shows hidden grays and leaves missing rows black."""
    row = bytes([0, 1, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match="x is a 16-bit PNG; 8 bits are required"):
        png_files.decode(raw_png((1, 1, 16, 2, 0, 0, 0), zlib.compress(row)), "x", 3)
    hidden = raw_png((4, 1, 2, 0, 0, 0, 0), zlib.compress(b"\0\x1b"), chunk(b"tRNS", b"\0\2"))
    with pytest.raises(ValueError, match="x is a PNG with transparent pixels; opaque ones are required"):
        png_files.decode(hidden, "x", 1)
    half = raw_png((4, 4, 8, 0, 0, 0, 0), zlib.compress(2 * b"\0abcd"))
    with pytest.raises(ValueError, match="x is not a readable PNG file: its image data end after 10 of 20 bytes"):
        png_files.decode(half, "x", 1)
