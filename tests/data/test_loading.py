"""Loading, splits and batches: counts, disjointness, reproducibility and resuming."""

import importlib

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from pixelrnn_tf import data
from pixelrnn_tf.data import ImageData, Split, load

# The package has functions of the same names as some of its modules.
image_data = importlib.import_module("pixelrnn_tf.data.image_data")


def numbered(size=10, image_shape=(1, 1, 1), **kwargs):
    """A data set whose k-th image is k everywhere, to see which images a batch holds."""
    images = np.arange(size, dtype="uint8").reshape(-1, 1, 1, 1) * np.ones(image_shape, "uint8")
    split = Split("all", size, tf.data.Dataset.from_tensor_slices(images))
    return ImageData("numbered", image_shape, kwargs.pop("levels", 256), "none", {"train": split}, **kwargs)


def take(batches, count):
    return np.stack(list(batches.take(count).as_numpy_iterator()))


def all_images(images, split, batch_size=500):
    return np.concatenate(list(images.batches(split, batch_size).as_numpy_iterator()))


@pytest.fixture(params=["in memory", "streamed"])
def storage(request, monkeypatch):
    if request.param == "streamed":
        monkeypatch.setattr(image_data, "IN_MEMORY_BYTES", 0)
    return request.param


def test_digits_are_all_there_once():
    digits = load("digits")
    assert (digits.image_shape, digits.levels, digits.sampled_from) == ((8, 8, 1), 17, None)
    assert {key: split.size for key, split in digits.splits.items()} == {"train": 1437, "validation": 180, "test": 180}
    parts = [all_images(digits, key) for key in digits.splits]
    assert [len(part) for part in parts] == [1437, 180, 180]
    assert parts[0].dtype == np.uint8
    # Together they are scikit-learn's images with their multiplicity, so the parts are disjoint.
    together = np.concatenate(parts).reshape(1797, 64)
    original = load_digits().data.astype("uint8")
    assert sorted(together.tolist()) == sorted(original.tolist())
    assert set(np.unique(together)) == set(range(17))


def test_the_split_of_the_digits_never_changes():
    order = np.random.RandomState(0).permutation(1797)
    assert order[:4].tolist() == [1081, 1707, 927, 713]
    original = load_digits().images.astype("uint8")[..., None]
    assert np.array_equal(all_images(load("digits"), "test"), original[order[1617:]])


def test_describe_names_everything():
    assert load("digits").describe().splitlines() == [
        "digits: images (8, 8, 1), 17 levels, binarization: none (17 levels)",
        "  train: load_digits permuted by RandomState(0), [0:1437], 1437 images",
        "  validation: load_digits permuted by RandomState(0), [1437:1617], 180 images",
        "  test: load_digits permuted by RandomState(0), [1617:1797], 180 images",
    ]


def test_requantized_digits():
    native = all_images(load("digits"), "test")
    quarter = load("digits", levels=5)
    assert quarter.binarization == "none (5 levels, rounded from 17)"
    assert np.array_equal(all_images(quarter, "test"), np.floor(native / 4 + 0.5))
    assert load("digits", levels=17).binarization == "none (17 levels)"
    for binary in (load("digits", binarization="threshold"), load("digits", levels=2)):
        assert (binary.levels, binary.binarization) == (2, "threshold at 0.5")
        assert np.array_equal(all_images(binary, "test"), native >= 8)


def test_resized_and_colored_digits():
    native = all_images(load("digits"), "test").astype(int)
    small = load("digits", image_size=(4, 4), channels=3)
    assert (small.image_shape, small.levels) == ((4, 4, 3), 17)
    images = all_images(small, "test")
    squares = native.reshape(-1, 4, 2, 4, 2, 1).sum((2, 4))
    assert np.array_equal(images, np.repeat((squares + 2) // 4, 3, -1))


def test_every_epoch_is_another_permutation_of_the_whole_split(storage):
    epochs = take(numbered().train_batches(2, seed=3), 15).reshape(3, 10)
    assert [sorted(epoch) for epoch in epochs.tolist()] == [list(range(10))] * 3
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 3
    assert not any((epoch == range(10)).all() for epoch in epochs)


def test_the_order_is_a_function_of_the_seed(storage):
    first = take(numbered().train_batches(2, seed=3), 15)
    # Neither the process's random state nor what was drawn before has a say.
    tf.random.set_seed(99)
    images = numbered()
    take(images.train_batches(5, seed=1), 1)
    assert np.array_equal(take(images.train_batches(2, seed=3), 15), first)
    assert not np.array_equal(take(images.train_batches(2, seed=4), 15), first)


def test_the_incomplete_last_batch_is_dropped(storage):
    batches = numbered().train_batches(4, seed=0)
    assert batches.element_spec == tf.TensorSpec((4, 1, 1, 1), tf.uint8)
    epochs = take(batches, 6).reshape(3, 8)
    assert all(len(set(epoch)) == 8 for epoch in epochs.tolist())


@pytest.mark.parametrize("sampled_from", [None, 256])
def test_a_resumed_run_sees_the_same_batches(storage, sampled_from):
    images = numbered(11, (3, 3, 1), sampled_from=sampled_from)
    whole = take(images.train_batches(4, seed=5), 9)
    # Two batches to an epoch: within the first, between two, and within the fourth.
    for start_step in (1, 2, 7):
        resumed = take(images.train_batches(4, seed=5, start_step=start_step), 9 - start_step)
        assert np.array_equal(resumed, whole[start_step:])


def test_memory_and_stream_draw_the_same_sample_of_an_image(monkeypatch):
    images = numbered(6, (4, 4, 1), levels=2, sampled_from=7)
    in_memory = take(images.train_batches(6, seed=0), 2)
    monkeypatch.setattr(image_data, "IN_MEMORY_BYTES", 0)
    streamed = take(images.train_batches(6, seed=0), 2)
    for epoch in range(2):
        assert sorted(in_memory[epoch].tolist()) == sorted(streamed[epoch].tolist())


def test_batches_hold_every_image_once_in_order(storage):
    batches = list(numbered().batches("train", 4).as_numpy_iterator())
    assert [batch.ravel().tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_dynamic_binarization_is_drawn_anew_every_epoch_but_not_for_scores():
    digits = load("digits", binarization="dynamic")
    assert (digits.levels, digits.sampled_from) == (2, 17)
    assert "dynamic (sampled again every epoch; validation and test: one fixed sample)" in digits.describe()
    assert np.array_equal(all_images(digits, "test"), all_images(load("digits", binarization="dynamic"), "test", 7))
    assert not np.array_equal(all_images(digits, "test"), all_images(digits, "validation"))
    epochs = [
        np.concatenate(list(digits.train_batches(479, 0, start_step=3 * epoch).take(3).as_numpy_iterator()))
        for epoch in range(2)
    ]
    assert set(np.unique(epochs)) == {0, 1}
    # Equal samples would give equal sums in any order; at 92,000 sub-pixels others do so once in hundreds.
    assert epochs[0].sum() != epochs[1].sum()


def test_dynamic_binarization_of_a_data_set_has_its_mean():
    native = all_images(load("digits"), "train") / 16
    sample = all_images(load("digits", binarization="dynamic"), "train")
    # Five standard deviations of a sum of independent draws, of all images and of every pixel over the images.
    assert abs(sample.sum() - native.sum()) < 5 * np.sqrt((native * (1 - native)).sum())
    assert (abs(sample.sum(0) - native.sum(0)) <= 5 * np.sqrt((native * (1 - native)).sum(0))).all()
    # And the draws of one image are not those of the next: pixels drawn alike would be correlated.
    errors = (sample - native).reshape(len(sample), -1)
    products = (errors[1:] * errors[:-1]).sum()
    variance = (
        (native * (1 - native)).reshape(len(sample), -1)[1:] * (native * (1 - native)).reshape(len(sample), -1)[:-1]
    ).sum()
    assert abs(products) < 5 * np.sqrt(variance)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "mnist"},
            "There is no data set 'mnist'. Pass digits, tfds:NAME, tfds:NAME/CONFIG, folder:PATH or npz",
        ),
        ({"name": "tfds:"}, "There is no data set 'tfds:'"),
        ({"name": "folder:"}, "There is no data set 'folder:'"),
        ({"name": "digits", "levels": 18}, "digits has 17 levels: levels must be at most that, got 18"),
        ({"name": "digits", "levels": 1}, "levels must be from 2 to 256, got 1"),
        ({"name": "digits", "levels": 257}, "levels must be from 2 to 256, got 257"),
        ({"name": "digits", "binarization": "random"}, "one of none, dynamic, threshold, got 'random'"),
        ({"name": "digits", "binarization": "dynamic", "levels": 4}, "'dynamic' gives 2 levels: omit levels=4"),
        ({"name": "digits", "channels": 2}, r"channels must be 1 \(gray\) or 3 \(color\), got 2"),
        ({"name": "digits", "image_size": (8,)}, r"two positive integers \(height, width\) up to 4096, got \(8,\)"),
        ({"name": "digits", "image_size": (8, 0)}, r"two positive integers \(height, width\) up to 4096, got \(8, 0\)"),
        ({"name": "digits", "image_size": (8, 10**6)}, r"two positive integers .* up to 4096"),
        (
            {"name": "digits", "image_size": (8, 8.5)},
            r"two positive integers \(height, width\) up to 4096, got \(8, 8.5\)",
        ),
        ({"name": "digits", "image_size": 8}, r"two positive integers \(height, width\) up to 4096, got 8"),
        ({"name": "digits", "levels": 2.5}, "levels must be an integer, got 2.5"),
        ({"name": "digits", "levels": True}, "levels must be an integer, got True"),
        ({"name": "digits", "channels": True}, r"channels must be 1 \(gray\) or 3 \(color\), got True"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**arguments)


def test_integers_of_numpy_are_integers():
    arguments = {"levels": np.int64(4), "image_size": np.array([4, 4]), "channels": np.uint8(3)}
    images = load("digits", **arguments)
    assert images.image_shape == (4, 4, 3)
    assert all(type(number) is int for number in (*images.image_shape, images.levels))
    assert next(iter(images.batches("test", np.int32(5)))).shape == (5, 4, 4, 3)


def test_wrong_batches_are_named():
    images = numbered()
    with pytest.raises(ValueError, match=r"batch_size must be an integer, got 2\.5"):
        images.train_batches(2.5, seed=0)
    with pytest.raises(ValueError, match="batch_size must be at most the 10 images of all, got 11"):
        images.train_batches(11, seed=0)
    for call in (lambda: images.train_batches(0, seed=0), lambda: images.batches("train", 0)):
        with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
            call()
    with pytest.raises(ValueError, match="start_step must be at least 0, got -1"):
        images.train_batches(1, seed=0, start_step=-1)
    with pytest.raises(ValueError, match=r"digits has no split 'eval'\. Its splits are: train, validation, test"):
        load("digits").batches("eval", 1)


def test_a_split_of_another_size_than_it_says_is_named():
    for size, there in ((9, 10), (11, 10), (3, 600)):
        split = Split("train", size, numbered().splits["train"].images.repeat(there // 10))
        with pytest.raises(ValueError, match=f"train should have {size} images, but has {there}"):
            ImageData("wrong", (1, 1, 1), 256, "none", {"train": split}).batches("train", 2)


def test_everything_public_is_there():
    names = ["ImageData", "Split", "check_unchanged", "from_arrays", "load", "match_classes", "to_bytes", "to_levels"]
    assert sorted(data.__all__) == names
    assert all(hasattr(data, name) for name in data.__all__)


def test_digits_come_with_their_classes_if_asked_for():
    digits, plain = load("digits", class_conditional=True), load("digits")
    assert digits.classes == tuple("0123456789")
    assert plain.classes == ()
    assert digits.fingerprint == plain.fingerprint
    batch = next(digits.batches("test", 20).as_numpy_iterator())
    assert batch.keys() == {"images", "condition"}
    assert batch["condition"].dtype == "int32"
    original = load_digits()
    for image, label in zip(batch["images"], batch["condition"], strict=True):
        found = np.flatnonzero((original.images == image[..., 0]).all((1, 2)))
        assert set(original.target[found]) == {label}
    shuffled = next(digits.train_batches(40, seed=1).as_numpy_iterator())
    for image, label in zip(shuffled["images"], shuffled["condition"], strict=True):
        found = np.flatnonzero((original.images == image[..., 0]).all((1, 2)))
        assert set(original.target[found]) == {label}
    binary = load("digits", binarization="dynamic", class_conditional=True)
    of_binary = next(binary.batches("test", 20).as_numpy_iterator())
    assert np.array_equal(of_binary["condition"], batch["condition"])
    assert of_binary["images"].max() == 1
    assert "10 classes: 0, 1, 2" in digits.describe()


def test_classes_need_a_label_for_each_image():
    split = Split.of_array("some", np.zeros((3, 1, 1, 1), "uint8"), np.zeros(2, "int32"))
    with pytest.raises(ValueError, match="some does not have one label per image"):
        ImageData("wrong", (1, 1, 1), 256, "none", {"train": split}, classes=("a", "b"))


@pytest.mark.parametrize("number", [1, 7, 180, 1001, 5000, None])
def test_the_first_images_are_those_of_the_batches(number):
    data = load("digits", class_conditional=True)
    images, labels = data.first("train", number)
    split = data.splits["train"]
    assert len(images) == len(labels) == min(number or split.size, split.size)
    assert np.array_equal(images, split.in_memory.numpy()[:number])
    assert np.array_equal(labels, split.labels[:number])
    assert load("digits").first("test", 3)[1] is None
