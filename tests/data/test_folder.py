"""A folder of images: splits by contents, kinds of pictures, fingerprints and errors."""

import importlib
import itertools
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.data import check_unchanged, load
from tests.support.picture_folders import all_images, numbers_of, sha256_place, write_numbered, write_picture

# A 2x1 bitmap of 32 bits per pixel: red, then blue; the fourth byte of each means nothing.
BITMAP = bytes.fromhex(
    "424d3e0000000000000036000000280000000200000001000000010020000000000008000000000000000000000000000000"
    "00000000"
    "0000ffff"
    "ff000080"
)
# A 1x1 GIF of two frames: red, then blue.
GIF = bytes.fromhex(
    "474946383961010001008000"
    "00ff0000"
    "0000ff"
    "21ff0b4e45545343415045322e300301000000"
    "21f904000a000000"
    "2c00000000010001000002024401"
    "00"
    "21f904000a000000"
    "2c000000000100010000020"
    "24c0100"
    "3b"
)


def load_small(folder, **arguments):
    return load(f"folder:{folder}", **{"image_size": (2, 2), **arguments})


def test_a_plain_folder_is_split_by_the_contents_of_its_files(tmp_path):
    write_numbered(tmp_path / "a", range(60))
    write_numbered(tmp_path / "b" / "c", range(60, 125))
    images = load_small(tmp_path)
    assert (images.image_shape, images.levels, images.binarization) == ((2, 2, 1), 256, "none (256 levels)")
    places = {int(path.stem): sha256_place(path) for path in tmp_path.rglob("*.png")}
    expected = {"train": (0.2, 1), "validation": (0, 0.1), "test": (0.1, 0.2)}
    for key, numbers in numbers_of(images).items():
        low, high = expected[key]
        assert numbers == [n for n in sorted(places, key=places.get) if low <= places[n] < high]
        assert images.splits[key].name == f"files of SHA-256 in [{low}, {high})"
        assert images.splits[key].size == len(numbers)
    assert sum(split.size for split in images.splits.values()) == 125
    parts = [all_images(images, key) for key in images.splits]
    assert all((part == part[:, :1, :1]).all() for part in parts)


def test_a_file_keeps_its_split_when_others_come_and_go(tmp_path):
    write_numbered(tmp_path, range(100))
    before = numbers_of(load_small(tmp_path))
    assert all(before.values())
    # Nine files go, fifty come, and one folder becomes two with other names.
    for number in range(0, 90, 10):
        (tmp_path / f"{number:03}.png").unlink()
    write_numbered(tmp_path / "new", range(100, 150))
    for number in range(50, 60):
        if number % 10:
            (tmp_path / "new" / f"moved_{number}.PNG").hardlink_to(tmp_path / f"{number:03}.png")
            (tmp_path / f"{number:03}.png").unlink()
    after = numbers_of(load_small(tmp_path))
    gone = set(range(0, 90, 10))
    for key, numbers in before.items():
        assert set(numbers) - gone == {number for number in after[key] if number < 100}
    assert sum(map(len, after.values())) == 141


def test_copies_of_a_file_never_fall_into_two_splits(tmp_path):
    for name in ("a", "b", "c"):
        write_numbered(tmp_path / name, range(30))
    images = load_small(tmp_path)
    numbers = numbers_of(images)
    assert sorted(itertools.chain(*numbers.values())) == sorted(3 * list(range(30)))
    assert len({frozenset(part) for part in numbers.values()}) == 3
    assert sum(len(set(part)) for part in numbers.values()) == 30
    assert (
        f"  note: train: {2 * len(set(numbers['train']))} files are copies of others in the split" in images.describe()
    )


def test_three_images_are_enough_if_they_differ(tmp_path):
    write_numbered(tmp_path, range(3), ".bmp")  # Of these bytes alone: those of a PNG depend on who packs it.
    images = load_small(tmp_path)
    assert [split.size for split in images.splits.values()] == [1, 1, 1]
    assert sorted(itertools.chain(*numbers_of(images).values())) == [0, 1, 2]
    assert "too few or too many have a SHA-256 in [0, 0.1)" in images.describe()
    for number in (1, 2):
        shutil.copy(tmp_path / "000.bmp", tmp_path / f"{number:03}.bmp")
    with pytest.raises(
        ValueError, match="and the other 2 images are 1 distinct images; train, validation and test need"
    ):
        load_small(tmp_path)


def test_folders_of_splits_are_the_splits(tmp_path):
    write_numbered(tmp_path / "train", range(40))
    write_numbered(tmp_path / "test", range(40, 43))
    images = load_small(tmp_path)
    assert {key: split.name for key, split in images.splits.items()} == {
        "train": "train, files of SHA-256 in [0.1, 1)",
        "validation": "train, files of SHA-256 in [0, 0.1)",
        "test": "test",
    }
    numbers = numbers_of(images)
    assert numbers["test"] == [40, 41, 42]
    assert sorted(numbers["train"] + numbers["validation"]) == list(range(40))
    assert all(sha256_place(tmp_path / "train" / f"{n:03}.png") < 0.1 for n in numbers["validation"])

    write_numbered(tmp_path / "validation", range(43, 45))
    images = load_small(tmp_path)
    assert [(key, split.name, split.size) for key, split in images.splits.items()] == [
        ("train", "train", 40),
        ("validation", "validation", 2),
        ("test", "test", 3),
    ]
    numbers = numbers_of(images)
    assert numbers["validation"] == [43, 44]
    # Not in the order of their names, which is often that of what they show.
    assert sorted(numbers["train"]) == list(range(40)) != numbers["train"]


def test_a_picture_in_two_splits_is_told(tmp_path):
    write_numbered(tmp_path / "train", range(20))
    write_numbered(tmp_path / "val", range(20, 22))
    write_numbered(tmp_path / "test", [3, 20, 30, 31])
    notes = load_small(tmp_path).notes
    assert (
        f"1 of the 4 files of test are also in train, such as {tmp_path}/test/003.png: scores on test are not"
        in notes[1]
    )
    assert "1 of the 4 files of test are also in validation" in notes[2]


def test_every_format_is_read_as_color(tmp_path):
    red = np.zeros((1, 1, 3), "uint8") + np.array([255, 0, 0], "uint8")
    write_numbered(tmp_path / "train", range(2))
    test = tmp_path / "test"
    write_picture(test / "0.png", red)
    write_picture(test / "1_opacity.PNG", np.concatenate([red, [[[128]]]], -1))
    write_picture(test / "2_gray.png", [[[7]]])
    tf.io.write_file(str(test / "3.jpg"), tf.io.encode_jpeg(np.tile(red, (8, 8, 1)), quality=100))
    tf.io.write_file(str(test / "4.jpeg"), tf.io.encode_jpeg(np.full((8, 8, 1), 9, "uint8"), quality=100))
    (test / "5.bmp").write_bytes(BITMAP)
    (test / "6.gif").write_bytes(GIF)
    (test / "._7.png").write_bytes(b"hidden")
    (test / "8.txt").write_text("no image")
    write_picture(test / "9.webp", np.tile(red, (8, 8, 1)))
    data = load(f"folder:{tmp_path}", image_size=(1, 1), channels=3)
    images = all_images(data, "test")[:, 0, 0].astype(int)
    # The bitmap is two pixels wide, so its crop is the left one; JPEG and WebP are exact to a few levels only.
    expected = np.array(
        [[255, 0, 0], [255, 127, 127], [7, 7, 7], [255, 0, 0], [9, 9, 9], [255, 0, 0], [255, 0, 0], [255, 0, 0]]
    )
    assert abs(images - expected).max() <= 3
    exact = [0, 1, 2, 5, 6]
    assert images[exact].tolist() == expected[exact].tolist()
    for note in (
        "skipped 1 files of other kinds (.txt 1)",
        "1 files are partly transparent: drawn on white",
        "1 files are animations: only the first frame is used",
    ):
        assert f"  note: {note}\n" in f"{data.describe()}\n"


def test_a_folder_is_of_the_kind_of_its_pictures(tmp_path):
    write_numbered(tmp_path / "gray", range(5))
    gray = load_small(tmp_path / "gray")
    assert gray.image_shape == (2, 2, 1)
    assert "  note: gray, like all files" in gray.describe()
    for number in range(5):
        write_picture(tmp_path / "color" / f"{number}.png", np.full((3, 3, 3), number))
    color = load_small(tmp_path / "color")
    assert color.image_shape == (2, 2, 3)
    assert "  note: color, like all files" in color.describe()
    with pytest.raises(
        ValueError, match=r"5 gray images \(such as .*gray/000.png\) and 5 in color \(such as .*0.png\)"
    ):
        load_small(tmp_path)
    for channels in (1, 3):
        mixed = load_small(tmp_path, channels=channels)
        assert mixed.image_shape == (2, 2, channels)
        assert sorted(itertools.chain(*numbers_of(mixed).values())) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_the_fingerprint_is_that_of_the_contents(tmp_path):
    write_numbered(tmp_path, range(50))
    before = load_small(tmp_path)
    assert list(before.fingerprint) == ["train", "validation", "test"]
    assert before.fingerprint["train"].startswith(f"{before.splits['train'].size} images, sha256 ")
    # Other names, sizes and levels: the same files.
    (tmp_path / "other").mkdir()
    (tmp_path / "000.png").rename(tmp_path / "other" / "first.png")
    renamed = load(f"folder:{tmp_path}", image_size=(3, 3), binarization="dynamic")
    assert renamed.fingerprint == before.fingerprint
    check_unchanged(renamed, before.fingerprint, "the run in runs/x")

    numbers = numbers_of(before)
    (tmp_path / f"{numbers['test'][0]:03}.png").unlink()
    write_picture(tmp_path / f"{numbers['train'][-1]:03}.png", np.full((3, 4), 255))
    after = load_small(tmp_path)
    sizes = [data.splits["test"].size for data in (before, after)]
    with pytest.raises(
        ValueError, match=f"no longer holds the images of the run in runs/x .*test: {sizes[0]} images, sha"
    ):
        check_unchanged(after, before.fingerprint, "the run in runs/x")


def test_a_folder_is_decoded_once_if_it_fits_in_memory(tmp_path, monkeypatch):
    reading = importlib.import_module("pixelrnn_tf.data.reading")
    decoded = []

    def counted(contents, value_range=None, decode=reading.decode_picture):
        decoded.append(contents)
        return decode(contents)

    monkeypatch.setattr(reading, "decode_picture", counted)
    write_numbered(tmp_path, range(40))
    kept = load_small(tmp_path)
    kept_numbers = numbers_of(kept)
    assert len(decoded) == 40
    monkeypatch.setattr(importlib.import_module("pixelrnn_tf.data.image_data"), "IN_MEMORY_BYTES", 0)
    streamed = load_small(tmp_path)
    assert numbers_of(streamed) == kept_numbers
    assert len(decoded) == 3 * 40
    assert streamed.fingerprint == kept.fingerprint
    (tmp_path / "003.png").unlink()
    with pytest.raises(tf.errors.OpError, match=r"Cannot read the image .*003\.png"):
        numbers_of(streamed)


def test_names_need_not_be_utf8(tmp_path):
    write_numbered(tmp_path, range(6))
    (tmp_path / "000.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    assert sorted(itertools.chain(*numbers_of(load_small(tmp_path)).values())) == list(range(6))


def test_images_of_a_folder_can_be_binary_and_train(tmp_path):
    write_numbered(tmp_path, [0, 100, 127, 128, 200, 255])
    images = load(f"folder:{tmp_path}", binarization="threshold", image_size=(3, 4), channels=1)
    everything = np.concatenate([all_images(images, key) for key in images.splits])
    assert sorted(everything[:, 0, 0, 0]) == [0, 0, 0, 1, 1, 1]
    batch = next(images.train_batches(1, seed=0).as_numpy_iterator())
    assert (batch.shape, batch.dtype) == ((1, 3, 4, 1), np.uint8)


def test_a_broken_image_is_named(tmp_path):
    write_numbered(tmp_path, range(5))
    whole = (tmp_path / "003.png").read_bytes()
    for broken in (b"", b"no image", whole[: len(whole) // 2]):
        (tmp_path / "003.png").write_bytes(broken)
        with pytest.raises(ValueError, match=r"Cannot read the image .*003\.png: "):
            load_small(tmp_path)
    (tmp_path / "001.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"Cannot read the image .*001\.png: the file is empty\. \(1 others cannot"):
        load_small(tmp_path)
    (tmp_path / "000.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"Cannot read the image .*000\.png: the file is empty"):
        load_small(tmp_path)


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        load_small(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no images \(png, jpg, .*, webp, tif, tiff\); it needs at least 3"):
        load_small(tmp_path)
    write_numbered(tmp_path / "train", range(2))
    with pytest.raises(ValueError, match=r"has 2 images .* it needs at least 3"):
        load_small(tmp_path)
    with pytest.raises(ValueError, match=r"requires image_size=\(height, width\)"):
        load(f"folder:{tmp_path}")
    (tmp_path / "test").mkdir()
    with pytest.raises(ValueError, match=r"test has no images .* it needs at least 1"):
        load_small(tmp_path)
    (tmp_path / "train").rename(tmp_path / "others")
    with pytest.raises(ValueError, match="has test/, but no train/"):
        load_small(tmp_path)


def test_a_folder_for_each_class(tmp_path):
    write_numbered(tmp_path / "cats", range(0, 40))
    write_numbered(tmp_path / "dogs" / "small", range(100, 140))
    data = load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)
    assert data.classes == ("cats", "dogs")
    for key in data.splits:
        batch = next(data.batches(key, 100).as_numpy_iterator())
        assert np.array_equal(batch["condition"], batch["images"][:, 0, 0, 0] >= 100)
    plain = load(f"folder:{tmp_path}", image_size=(3, 4))
    assert plain.classes == ()
    assert plain.fingerprint != data.fingerprint, "what moves to another class is another image"
    write_numbered(tmp_path, [7])
    with pytest.raises(ValueError, match=r"007.png is in no class folder"):
        load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)


def test_classes_are_those_of_train(tmp_path):
    for split in ("train", "test"):
        write_numbered(tmp_path / split / "a", range(5))
        write_numbered(tmp_path / split / "b", range(5, 10))
    data = load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)
    batch = next(data.batches("test", 100).as_numpy_iterator())
    assert np.array_equal(batch["condition"], batch["images"][:, 0, 0, 0] >= 5)
    write_numbered(tmp_path / "test" / "c", [11])
    with pytest.raises(ValueError, match=r"test has the class c/, which train lacks \(it has a, b\)"):
        load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)
    write_numbered(tmp_path / "alone" / "a", range(5))
    with pytest.raises(ValueError, match="only one class, a/"):
        load(f"folder:{tmp_path / 'alone'}", image_size=(3, 4), class_conditional=True)


def test_every_class_is_in_train(tmp_path):
    for name in range(40):
        write_numbered(tmp_path / f"class_{name:02}", [2 * name, 2 * name + 1], ".bmp")
    data = load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)
    sizes = [split.size for split in data.splits.values()]
    assert sum(sizes) == 80
    for split in data.splits:
        images, labels = data.first(split)
        assert np.array_equal(images[:, 0, 0, 0] // 2, labels)
    assert set(data.first("train")[1]) == set(range(40))
    places = {int(path.stem): sha256_place(path) for path in tmp_path.rglob("*.bmp")}
    lost = sum(places[2 * name] < 0.2 and places[2 * name + 1] < 0.2 for name in range(40))
    assert lost > 0, "a class would have none"
    assert f"train: one image of each of {lost} small classes that had none, such as class_" in data.describe()


def test_a_split_that_would_be_left_empty_is_named(tmp_path):
    for name in range(3):
        write_numbered(tmp_path / str(name), [name], ".bmp")
    with pytest.raises(ValueError, match=r"too few images: with one of the class . in train, none is left for"):
        load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)


def test_the_range_of_the_files_is_told_and_mapped(tmp_path):
    for number in range(6):
        write_picture(tmp_path / f"{number}.png", np.full((2, 2), 10 * number))
    told = load_small(tmp_path).describe()
    assert "WARNING: values from 0 to 50 in 8-bit files, less than a quarter of 0 to 255, which becomes black" in told
    mapped = load_small(tmp_path, value_range=(0, 50))
    assert sorted(itertools.chain(*numbers_of(mapped).values())) == [0, 51, 102, 153, 204, 255]
    assert "  note: values from 0 to 50 in 8-bit files" in mapped.describe()
    with pytest.raises(ValueError, match=r"5\.png: it holds values from 50 to 50, outside value_range=0,40"):
        load_small(tmp_path, value_range=(0, 40))


def test_a_whole_folder_of_any_size_is_one_split(tmp_path):
    write_numbered(tmp_path, [5])
    assert numbers_of(load_small(tmp_path, whole=True)) == {"all": [5]}
    write_numbered(tmp_path, range(10))
    assert numbers_of(load_small(tmp_path, whole=True)) == {"all": list(range(10))}
    assert sorted(all_images(load_small(tmp_path), "all")[:, 0, 0, 0]) == list(range(10))


def test_pictures_that_are_no_files_are_left_out(tmp_path):
    write_numbered(tmp_path, range(5))
    os.mkfifo(tmp_path / "006.png")
    assert "skipped 1 files of other kinds (.png 1)" in load_small(tmp_path).describe()
