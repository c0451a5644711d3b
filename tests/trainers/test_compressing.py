"""Files of images compressed by the programs, and had back."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from benchmarks import compression
from pixelrnn_cli.image_files import find_images
from pixelrnn_tf.compression import codec, file_names
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.programs import compressing, other_codecs
from tests.support.networks import make_network, random_images
from trainers import compress, decompress

TINY = {"levels": 17, "num_blocks": 1, "hidden": 4, "head_hidden": 4}


@pytest.fixture(scope="module")
def model():
    return make_network("pixel_cnn", (3, 4, 1), **TINY)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture
def pictures(model, tmp_path):
    """A folder of PNG files, and their levels in the order of their names."""
    images = random_images(model, 5)
    (tmp_path / "pictures").mkdir()
    for name, picture in zip("edcba", to_bytes(images, 17), strict=True):
        (tmp_path / "pictures" / f"{name}.png").write_bytes(png_files.encode(picture))
    return tmp_path / "pictures", images[::-1]


def test_a_folder_of_pictures_comes_back(saved, pictures, tmp_path, capsys):
    folder, _ = pictures
    compress.main(compress.Options(model=saved, images=folder, out=tmp_path / "x.pxr", verify=True, compare=True))
    printed = capsys.readouterr().out
    size = (tmp_path / "x.pxr").stat().st_size
    for words in (f"x.pxr: {size:,} bytes", "bits/dim", "compressed 5/5 images", "decompressed 5/5 images",
                  "the images are the same", f"| {size:,} |", "| bz2 |", "are not counted"):  # fmt: skip
        assert words in printed, words
    decompress.main(decompress.Options(model=saved, file=tmp_path / "x.pxr", out=tmp_path / "back"))
    back = sorted((tmp_path / "back").iterdir())
    assert [path.name for path in back] == [f"{letter}.png" for letter in "abcde"]
    for path, original in zip(back, sorted(folder.iterdir()), strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(original)))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_pictures_that_would_not_come_back_are_refused(model, pictures):
    folder, images = pictures
    assert np.array_equal(compressing.read_pictures(find_images([folder]), model, 0), images)
    assert np.array_equal(compressing.read_pictures(find_images([folder]), model, 2), images[:2])
    picture = to_bytes(images[0], 17)
    picture[1, 1] = 100
    png_files.write(folder / "b.png", picture)
    with pytest.raises(ValueError, match=r"b\.png has the value 100, which is between those of the 17 levels"):
        compressing.read_pictures(find_images([folder]), model, 0)
    png_files.write(folder / "b.png", picture[:2])
    with pytest.raises(ValueError, match=r"b\.png is 2x4; the model takes images of 3x4"):
        compressing.read_pictures(find_images([folder]), model, 0)
    conditional = make_network("pixel_cnn", (3, 4, 1), conditioner=LabelEmbedding(3, 3), **TINY)
    with pytest.raises(ValueError, match="The model takes a condition, but --images have none: use --data"):
        compressing.read_pictures(find_images([folder]), conditional, 0)
    with pytest.raises(ValueError, match="there are none in the folder"):
        find_images([folder.parent])


@pytest.fixture(scope="module")
def compressed(tmp_path_factory):
    """A model, and a file of two images."""
    model, path = make_network("pixel_cnn", (2, 2, 1), **TINY), tmp_path_factory.mktemp("file") / "x.pxr"
    compressing.compress_file(model, random_images(model, 2), None, path, verify=False)
    return model, path


def test_images_and_labels_are_written_chunk_by_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(codec, "_IMAGES_PER_BATCH", 2)
    model = make_network("pixel_cnn", (2, 2, 1), conditioner=LabelEmbedding(3, 3), **TINY)
    images, labels = random_images(model, 35), np.arange(35, dtype="int32") % 3
    compressing.compress_file(model, images, labels, tmp_path / "x.pxr", verify=True)
    decode_chunk, on_disk = compressing.Codec.decode_chunk, []

    def counting(*arguments, **options):
        on_disk.append(len(list(tmp_path.glob(".back.*/*.png"))))
        return decode_chunk(*arguments, **options)

    monkeypatch.setattr(compressing.Codec, "decode_chunk", counting)
    compressing.decompress_file(model, tmp_path / "x.pxr", tmp_path / "back")
    assert on_disk == [0, 16, 32]
    for k, image in enumerate(to_bytes(images, 17)):
        assert np.array_equal(png_files.read(tmp_path / "back" / f"{k:05}.png", 1), image)
    rows = (tmp_path / "back" / "labels.csv").read_text().splitlines()
    assert rows == ["file,label", *(f"{k:05}.png,{k % 3}" for k in range(35))]


def test_an_empty_folder_is_filled_even_behind_a_link(compressed, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    compressing.decompress_file(*compressed, tmp_path / "link")
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["00000.png", "00001.png"]


def test_the_working_directory_is_not_replaced(saved, compressed, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for out in (".", "../here", "../link"):
        with pytest.raises(ValueError, match="is the working directory; choose a new folder"):
            decompress.Options(model=saved, file=compressed[1], out=pathlib.Path(out))
    decompress.Options(model=saved, file=compressed[1], out=pathlib.Path("images"))


def test_a_damaged_file_leaves_nothing(model, saved, tmp_path):
    compressing.compress_file(model, random_images(model, 3), None, tmp_path / "x.pxr", verify=False)
    data = bytearray((tmp_path / "x.pxr").read_bytes())
    data[60] ^= 4
    (tmp_path / "x.pxr").write_bytes(data)
    with pytest.raises(ValueError, match="The file is damaged"):
        decompress.main(decompress.Options(model=saved, file=tmp_path / "x.pxr", out=tmp_path / "back"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.pxr"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(ValueError, match="is not empty"):
        decompress.Options(model=saved, file=tmp_path / "x.pxr", out=tmp_path / "full")
    with pytest.raises(ValueError, match="There is no file"):
        decompress.Options(model=saved, file=tmp_path / "y.pxr", out=tmp_path / "back")


@pytest.mark.parametrize(("levels", "channels"), [(2, 1), (17, 1), (256, 3)])
def test_other_codecs_get_all_of_the_images(levels, channels):
    images = np.random.default_rng(0).integers(0, levels, (10, 8, 8, channels)).astype("uint8")
    sizes = other_codecs.sizes(images, levels)
    assert sizes["raw"] == images.size // (8 if levels == 2 else 1)
    assert ("CCITT group 4" in sizes) == (levels == 2)
    # Noise of so many levels cannot take less than this; what is left out would show.
    least = images.size * np.log2(levels) / 8
    assert all(size > 0.98 * least for size in sizes.values()), sizes
    sheet = np.asarray(other_codecs._sheet(images, levels).convert("L" if channels == 1 else "RGB"))
    assert np.array_equal(sheet[8:16, 16:24].reshape(8, 8, channels), to_bytes(images[6], levels))
    lines = other_codecs.table(images, levels, 100, 4000).splitlines()
    assert len(lines) == len(sizes) + 3
    assert lines[-1].startswith("| this model (its weights, 4,000 bytes, are not counted) | 100 |")


def test_the_benchmark_times_what_comes_back(capsys):
    network = {"image_shape": (3, 4, 1), "block": "pixel_cnn", **TINY}
    result = compression.run(network, repeats=1)
    printed = capsys.readouterr().out
    assert set(result["seconds"]) == {"compress", "decompress", "draw", "score"}
    assert result["images"] == 512
    assert 0 < result["bytes"] - result["model_bytes"] < 100
    assert f"{512 / result['seconds']['decompress']:8.1f} images/s" in printed


def test_a_folder_that_another_program_fills_meanwhile_is_left_to_it(compressed, tmp_path, monkeypatch):
    decode_chunks = compressing.Codec.decode_chunks

    def slow(*arguments, **options):
        (tmp_path / "back").mkdir()
        (tmp_path / "back" / "theirs.png").touch()
        return decode_chunks(*arguments, **options)

    monkeypatch.setattr(compressing.Codec, "decode_chunks", slow)
    with pytest.raises(OSError, match="not empty"):
        compressing.decompress_file(*compressed, tmp_path / "back")
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["theirs.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["back"]


def test_pictures_get_their_names_back(model, saved, tmp_path):
    images = random_images(model, 3)
    names = ["b,1.png", "caf\u00e9.PNG", "z.png"]
    for name, picture in zip(names, to_bytes(images, 17), strict=True):
        png_files.write(tmp_path / "in" / name, picture)
    compress.main(compress.Options(model=saved, images=(str(tmp_path / "in"),), out=tmp_path / "x.pxr"))
    decompress.main(decompress.Options(model=saved, file=tmp_path / "x.pxr", out=tmp_path / "back"))
    for name in names:
        assert (tmp_path / "back" / name).read_bytes() == (tmp_path / "in" / name).read_bytes()
    data = (tmp_path / "x.pxr").read_bytes()
    assert np.array_equal(compressing.Codec(model).decode(data).images, images)
    damaged = data.replace(b"PXRNAMES", b"PXRNAMES")[:-12] + b"\0" + data[-11:]
    with pytest.raises(ValueError, match="The file is damaged in the names of its pictures: their CRC-32"):
        file_names.split_names(damaged)


@pytest.mark.parametrize(
    "stored",
    [["a.png"], ["a.png", "A.png"], ["../a.png", "b.png"], ["/a.png", "b.png"], ["a", "b.png"], ["..", "b.png"], None,
     ["x" * 255 + ".png", "b.png"], ["a\\b.png", "c.png"], ["a\0.png", "b.png"]],
)  # fmt: skip
def test_names_that_are_no_files_of_a_folder_become_numbers(stored):
    assert list(compressing.file_names(stored, 2)) == ["00000.png", "00001.png"]
    assert list(compressing.file_names(["a.png", "b.png"], 2)) == ["a.png", "b.png"]
