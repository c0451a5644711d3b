"""A folder of images: formats, splits and errors."""

import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.data import load

# A 2x1 bitmap of 32 bits per pixel: red, then blue with half opacity. TensorFlow writes no bitmaps or GIFs.
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


def all_images(images, split):
    return np.concatenate(list(images.batches(split, 4).as_numpy_iterator()))


def write_png(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    tf.io.write_file(str(path), tf.io.encode_png(np.asarray(image, "uint8")))


def write_numbered(folder, numbers, suffix=".png"):
    """Grey 3x4 images that are their number everywhere."""
    for number in numbers:
        write_png(folder / f"{number:03}{suffix}", np.full((3, 4, 1), number))


def test_a_plain_folder_is_split_at_random(tmp_path):
    write_numbered(tmp_path / "a", range(12))
    write_numbered(tmp_path / "b" / "c", range(12, 25))
    images = load(f"folder:{tmp_path}", image_size=(2, 2), channels=1)
    assert (images.image_shape, images.levels, images.binarization) == ((2, 2, 1), 256, "none (256 levels)")
    assert {key: (split.name, split.size) for key, split in images.splits.items()} == {
        "train": ("25 files permuted by RandomState(0), [0:21]", 21),
        "validation": ("25 files permuted by RandomState(0), [21:23]", 2),
        "test": ("25 files permuted by RandomState(0), [23:25]", 2),
    }
    parts = {key: all_images(images, key) for key in images.splits}
    assert parts["train"].shape == (21, 2, 2, 1)
    numbers = np.concatenate([part[:, 0, 0, 0] for part in parts.values()])
    assert numbers.tolist() == np.random.RandomState(0).permutation(25).tolist()
    assert all((part == part[:, :1, :1]).all() for part in parts.values())


def test_three_images_are_enough(tmp_path):
    write_numbered(tmp_path, range(3))
    splits = load(f"folder:{tmp_path}", image_size=(2, 2)).splits
    assert [split.size for split in splits.values()] == [1, 1, 1]


def test_folders_of_splits_are_the_splits(tmp_path):
    write_numbered(tmp_path / "train", range(20))
    write_numbered(tmp_path / "test", range(20, 23))
    images = load(f"folder:{tmp_path}", image_size=(2, 2))
    assert {key: (split.name, split.size) for key, split in images.splits.items()} == {
        "train": ("train permuted by RandomState(0), [0:18]", 18),
        "validation": ("train permuted by RandomState(0), [18:20]", 2),
        "test": ("test", 3),
    }
    assert all_images(images, "test")[:, 0, 0, 0].tolist() == [20, 21, 22]
    trained = np.concatenate([all_images(images, key)[:, 0, 0, 0] for key in ("train", "validation")])
    assert sorted(trained) == list(range(20))

    write_numbered(tmp_path / "validation", range(23, 25))
    images = load(f"folder:{tmp_path}", image_size=(2, 2))
    assert [(key, split.name, split.size) for key, split in images.splits.items()] == [
        ("train", "train", 20),
        ("validation", "validation", 2),
        ("test", "test", 3),
    ]
    assert all_images(images, "validation")[:, 0, 0, 0].tolist() == [23, 24]


def test_every_format_is_read_as_colour(tmp_path):
    red = np.zeros((1, 1, 3), "uint8") + np.array([255, 0, 0], "uint8")
    write_numbered(tmp_path / "train", range(2))
    test = tmp_path / "test"
    write_png(test / "0.png", red)
    write_png(test / "1_opacity.PNG", np.concatenate([red, [[[128]]]], -1))
    write_png(test / "2_grey.png", [[[7]]])
    tf.io.write_file(str(test / "3.jpg"), tf.io.encode_jpeg(np.tile(red, (8, 8, 1)), quality=100))
    tf.io.write_file(str(test / "4.jpeg"), tf.io.encode_jpeg(np.full((8, 8, 1), 9, "uint8"), quality=100))
    (test / "5.bmp").write_bytes(BITMAP)
    (test / "6.gif").write_bytes(GIF)
    (test / "._7.png").write_bytes(b"hidden")
    (test / "8.txt").write_text("no image")
    images = all_images(load(f"folder:{tmp_path}", image_size=(1, 1)), "test")[:, 0, 0].astype(int)
    # The bitmap is two pixels wide, so its crop is the left one; JPEG is exact to a few levels only.
    expected = np.array([[255, 0, 0], [255, 0, 0], [7, 7, 7], [255, 0, 0], [9, 9, 9], [255, 0, 0], [255, 0, 0]])
    assert abs(images - expected).max() <= 2
    exact = [0, 1, 2, 5, 6]
    assert images[exact].tolist() == expected[exact].tolist()


def test_images_of_a_folder_can_be_binary_and_train(tmp_path):
    write_numbered(tmp_path, [0, 100, 127, 128, 200, 255])
    images = load(f"folder:{tmp_path}", binarization="threshold", image_size=(3, 4), channels=1)
    everything = np.concatenate([all_images(images, key) for key in images.splits])
    assert sorted(everything[:, 0, 0, 0]) == [0, 0, 0, 1, 1, 1]
    batch = next(images.train_batches(2, seed=0).as_numpy_iterator())
    assert (batch.shape, batch.dtype) == ((2, 3, 4, 1), np.uint8)


def test_a_broken_image_is_named(tmp_path):
    write_numbered(tmp_path, range(5))
    whole = (tmp_path / "003.png").read_bytes()
    for broken in (b"", b"no image", whole[: len(whole) // 2]):
        (tmp_path / "003.png").write_bytes(broken)
        with pytest.raises(ValueError, match=r"Cannot read the image .*003\.png"):
            load(f"folder:{tmp_path}", image_size=(2, 2))


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        load(f"folder:{tmp_path / 'nowhere'}", image_size=(2, 2))
    with pytest.raises(ValueError, match=r"has no images \(png, jpg, jpeg, bmp, gif\); it needs at least 3"):
        load(f"folder:{tmp_path}", image_size=(2, 2))
    write_numbered(tmp_path / "train", range(2))
    with pytest.raises(ValueError, match=r"has 2 images .* it needs at least 3"):
        load(f"folder:{tmp_path}", image_size=(2, 2))
    with pytest.raises(ValueError, match=r"needs image_size=\(height, width\)"):
        load(f"folder:{tmp_path}")
    (tmp_path / "test").mkdir()
    with pytest.raises(ValueError, match=r"test has no images .* it needs at least 1"):
        load(f"folder:{tmp_path}", image_size=(2, 2))
    (tmp_path / "train").rename(tmp_path / "others")
    with pytest.raises(ValueError, match="has test/, but no train/"):
        load(f"folder:{tmp_path}", image_size=(2, 2))
