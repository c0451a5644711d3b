"""Data sets of arrays and npz files, and the split of all images."""

import os

import numpy as np
import pytest

from pixelrnn_tf.data import from_arrays, load

NUMBERS = np.arange(100, dtype="uint8")
IMAGES = NUMBERS[:, None, None] * np.ones((2, 3), "uint8")


def numbers(data, split):
    return data.first(split)[0][:, 0, 0, 0].tolist()


def test_arrays_are_a_data_set():
    data = from_arrays(IMAGES[:60], IMAGES[60:70], IMAGES[70:], levels=100)
    assert (data.image_shape, data.levels, data.classes) == ((2, 3, 1), 100, ())
    assert numbers(data, "train") == list(range(60))
    assert numbers(data, "validation") == list(range(60, 70))
    assert numbers(data, "test") == list(range(70, 100))
    assert next(data.train_batches(4, seed=0).as_numpy_iterator()).shape == (4, 2, 3, 1)
    colors = from_arrays(np.repeat(IMAGES[..., None], 3, -1))
    assert (colors.image_shape, colors.levels, sorted(colors.splits)) == ((2, 3, 3), 256, ["train", "validation"])
    assert sorted(numbers(colors, "train") + numbers(colors, "validation")) == list(range(100))
    assert 0 < colors.splits["validation"].size < 30
    assert from_arrays(IMAGES > 50).levels == 2


def test_an_image_keeps_its_split_and_copies_stay_together():
    whole, part = from_arrays(np.concatenate([IMAGES, IMAGES])), from_arrays(IMAGES[::2])
    for split in ("train", "validation"):
        assert set(numbers(part, split)) <= set(numbers(whole, split))
    assert not set(numbers(whole, "train")) & set(numbers(whole, "validation"))


def test_labels_follow_their_images():
    names = np.array(["cat", "dog"])[NUMBERS % 2]
    for labels, classes in ((NUMBERS % 2, ("0", "1")), (names, ("cat", "dog"))):
        data = from_arrays(IMAGES, labels=labels)
        assert data.classes == classes
        for split in ("train", "validation"):
            images, found = data.first(split)
            assert np.array_equal(images[:, 0, 0, 0] % 2, found)
    column = from_arrays(IMAGES, labels=NUMBERS[:, None] % 2)
    assert np.array_equal(column.splits["train"].labels, from_arrays(IMAGES, labels=NUMBERS % 2).splits["train"].labels)
    named = from_arrays(IMAGES, labels=names, class_names=["dog", "cat"])
    assert np.array_equal(1 - named.first("train")[0][:, 0, 0, 0] % 2, named.first("train")[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": IMAGES / 100}, r"train must be integer levels, got float64.*np.round\(255"),
        ({"train": NUMBERS}, r"must have the shape \(number, height, width\) or .*got \(100,\)"),
        ({"train": IMAGES, "test": IMAGES[:, 1:]}, r"test has images of shape \(1, 3, 1\), but train of \(2, 3, 1\)"),
        ({"train": IMAGES, "levels": 99}, r"Values must be in \[0, 99\), got values from 0 to 99. Pass value_range"),
        ({"train": IMAGES, "labels": NUMBERS[1:]}, "train has 100 images but 99 labels"),
        ({"train": IMAGES, "labels": 3}, "train has 100 images but 1 labels"),
        ({"train": IMAGES, "labels": NUMBERS - 1.0}, "labels must be integers or strings, got float64"),
        (
            {"train": IMAGES, "labels": np.eye(10, dtype=int)[NUMBERS % 10]},
            r"labels must have the shape \(number,\); got \(100, 10\): pass np.argmax\(labels, -1\) for one-hot labels",
        ),
        ({"train": IMAGES, "labels": NUMBERS.astype(int) - 1}, "must be from 0 to 98, one per class; got -1"),
        ({"train": IMAGES, "labels": NUMBERS % 2, "class_names": "ab"}, "class_names must be a list of .*; got 'ab'"),
        ({"train": IMAGES, "test": IMAGES, "labels": NUMBERS}, "are required for train and test; got those for train"),
        ({"train": IMAGES, "value_range": (5, 5)}, "value_range must be two increasing integers"),
        ({"train": IMAGES[:1]}, "are 1 distinct images; train, validation need at least one each"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(**arguments)


def test_a_range_is_found_and_mapped():
    twelve_bits = IMAGES.astype("uint16") * 41
    with pytest.raises(ValueError, match=r"Pass value_range=\(low, high\)"):
        from_arrays(twelve_bits)
    data = from_arrays(twelve_bits, value_range=(0, 4095))
    assert data.levels == 256
    assert sorted(numbers(data, "all")) == [round(41 * n * 255 / 4095) for n in range(100)]
    assert "WARNING" not in data.describe()
    assert "values from 0 to 99 in arrays of 256 levels" in from_arrays(IMAGES).describe()
    dark = from_arrays(IMAGES[:50]).describe()
    assert "WARNING: values from 0 to 49 in arrays of 256 levels, less than a quarter of 0 to 255" in dark
    assert "--value_range=0,49" in dark


def test_given_splits_keep_their_images():
    labels = {"train": np.arange(60) % 3, "validation": np.arange(10) % 3, "test": np.arange(30) % 4}
    with pytest.raises(ValueError, match="test has the class 3, which train lacks"):
        from_arrays(IMAGES[:60], IMAGES[60:70], IMAGES[70:], levels=100, labels=labels)
    # Of a validation split that is made here, an image of a class that train lacks goes to train.
    rare = np.zeros(70, int)
    held_out = from_arrays(IMAGES[:70], test=IMAGES[70:], levels=100)
    rare[numbers(held_out, "validation")[0]] = 1
    data = from_arrays(IMAGES[:70], test=IMAGES[70:], levels=100, labels={"train": rare, "test": np.arange(30) % 2})
    assert numbers(data, "test") == list(range(70, 100))
    assert len(numbers(data, "train")) == len(numbers(held_out, "train")) + 1


def test_npz_files_are_read(tmp_path):
    path = tmp_path / "all.npz"
    np.savez(path, images=IMAGES, labels=NUMBERS % 3, class_names=["a", "b", "c"], levels=100)
    data = load(f"npz:{path}", class_conditional=True)
    assert (sorted(data.splits), data.classes, data.levels) == (["test", "train", "validation"], ("a", "b", "c"), 100)
    assert sorted(numbers(data, "all")) == list(range(100))
    images, labels = data.first("all")
    assert np.array_equal(images[:, 0, 0, 0] % 3, labels)
    assert numbers(load(f"npz:{path}", whole=True), "all") == list(range(100))
    assert load(f"npz:{path}", image_size=(4, 4), channels=3, levels=5).image_shape == (4, 4, 3)
    np.savez(path, x_train=IMAGES[:80], x_test=IMAGES[80:], y_train=NUMBERS[:80] % 2, y_test=NUMBERS[80:] % 2)
    keras = load(f"npz:{path}", class_conditional=True)
    assert numbers(keras, "test") == list(range(80, 100))
    assert keras.classes == ("0", "1")


def test_binary_images_of_an_npz_file_are_not_resized(tmp_path):
    np.savez(tmp_path / "binary.npz", images=IMAGES > 50)
    assert load(f"npz:{tmp_path / 'binary.npz'}", image_size=(2, 3), whole=True).levels == 2
    with pytest.raises(ValueError, match="is already binary: resizing it would change its binarization"):
        load(f"npz:{tmp_path / 'binary.npz'}", image_size=(1, 3), whole=True)


def test_files_that_are_no_npz_are_named(tmp_path):
    path = tmp_path / "data.npz"
    with pytest.raises(FileNotFoundError, match=r"There is no file .*data\.npz"):
        load(f"npz:{path}")
    np.savez(path, pictures=IMAGES)
    with pytest.raises(ValueError, match=r"must hold either images, or train_images .*; it holds pictures"):
        load(f"npz:{path}")
    np.savez(path, images=IMAGES)
    with pytest.raises(ValueError, match="has no array labels, which class_conditional requires"):
        load(f"npz:{path}", class_conditional=True)
    np.savez(path, images=IMAGES, labels=NUMBERS % 2, class_names="cat")
    with pytest.raises(ValueError, match=r"class_names must be a list of strings, one per class; got array\('cat'"):
        load(f"npz:{path}", class_conditional=True)
    assert load(f"npz:{path}").classes == ()
    np.savez(path, images=IMAGES, levels=[100, 100])
    with pytest.raises(ValueError, match=r"levels must be one number; got an array of the shape \(2,\)"):
        load(f"npz:{path}")
    np.savez(path, images=np.array([{}]))
    for contents in (path.read_bytes(), b"no", b""):
        path.write_bytes(contents)
        with pytest.raises(ValueError, match=r"data\.npz cannot be read as an npz file"):
            load(f"npz:{path}")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"data\.npz is not a regular file"):
        load(f"npz:{path}")


def test_all_is_every_split():
    data = load("digits", class_conditional=True)
    images, labels = data.first("all")
    parts = [data.first(split) for split in ("train", "validation", "test")]
    assert np.array_equal(images, np.concatenate([part[0] for part in parts]))
    assert np.array_equal(labels, np.concatenate([part[1] for part in parts]))
