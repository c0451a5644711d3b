"""Data sets of TFDS: the real ones where they are prepared, small ones made here, and errors."""

import os
import re
import threading
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from pixelrnn_tf.data import load, network


def all_images(images, split, batch_size=1000):
    return np.concatenate(list(images.batches(split, batch_size).as_numpy_iterator()))


@pytest.fixture
def real_data():
    if not os.environ.get("TFDS_DATA_DIR"):
        pytest.skip("TFDS_DATA_DIR is not set: point it to a directory with binarized_mnist, mnist and cifar10.")


@pytest.fixture
def make_data(tmp_path, monkeypatch):
    """Write a data set and let TFDS look for it."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def make(name, features, **splits):
        keyed = {key: list(enumerate(split)) for key, split in splits.items()}
        tfds.dataset_builders.store_as_tfds_dataset(
            name, "1.0.0", tfds.features.FeaturesDict(features), keyed, data_dir=tmp_path
        )

    return make


def examples(images, **others):
    return [{"image": np.asarray(image, "uint8"), **others} for image in images]


@pytest.mark.usefixtures("real_data")
def test_binarized_mnist_is_fixed_and_binary():
    images = load("tfds:binarized_mnist")
    assert (images.image_shape, images.levels) == ((28, 28, 1), 2)
    assert images.describe().splitlines() == [
        "tfds:binarized_mnist: images (28, 28, 1), 2 levels, binarization: fixed (as shipped)",
        "  train: train, 50000 images",
        "  validation: validation, 10000 images",
        "  test: test, 10000 images",
    ]
    test = all_images(images, "test")
    assert (test.shape, test.dtype) == ((10_000, 28, 28, 1), np.uint8)
    assert set(np.unique(test)) == {0, 1}
    # An MNIST image is about an eighth ink.
    assert 0.1 < test.mean() < 0.16
    for binarization in ("dynamic", "threshold"):
        with pytest.raises(ValueError, match="binarized_mnist is already binary: its binarization is fixed"):
            load("tfds:binarized_mnist", binarization=binarization)
    with pytest.raises(ValueError, match="is already binary: resizing it would change its binarization"):
        load("tfds:binarized_mnist", image_size=(14, 14))


@pytest.mark.usefixtures("real_data")
def test_the_validation_split_of_mnist_is_the_tail_of_train():
    images = load("tfds:mnist")
    assert (images.image_shape, images.levels, images.binarization) == ((28, 28, 1), 256, "none (256 levels)")
    assert {key: (split.name, split.size) for key, split in images.splits.items()} == {
        "train": ("train[:54000]", 54_000),
        "validation": ("train[54000:]", 6_000),
        "test": ("test", 10_000),
    }
    data_dir = os.environ["TFDS_DATA_DIR"]
    tail = tfds.load("mnist", split="train[54000:]", data_dir=data_dir, batch_size=-1, download=False)
    assert np.array_equal(all_images(images, "validation"), tail["image"])


@pytest.mark.usefixtures("real_data")
def test_dynamic_mnist_is_one_binary_sample():
    images = load("tfds:mnist", binarization="dynamic")
    gray = all_images(load("tfds:mnist"), "validation") / 255
    sample = all_images(images, "validation")
    assert (images.levels, sample.shape) == (2, (6_000, 28, 28, 1))
    assert set(np.unique(sample)) == {0, 1}
    assert abs(sample.sum() - gray.sum()) < 5 * np.sqrt((gray * (1 - gray)).sum())
    assert np.array_equal(sample[:500], all_images(images, "validation", 500)[:500])


@pytest.mark.usefixtures("real_data")
def test_cifar10_is_color():
    images = load("tfds:cifar10")
    assert (images.image_shape, images.levels) == ((32, 32, 3), 256)
    assert {key: (split.name, split.size) for key, split in images.splits.items()} == {
        "train": ("train[:45000]", 45_000),
        "validation": ("train[45000:]", 5_000),
        "test": ("test", 10_000),
    }
    test = next(images.splits["test"].images.batch(500).as_numpy_iterator())
    assert (test.shape, len(np.unique(test))) == ((500, 32, 32, 3), 256)
    small = load("tfds:cifar10", levels=8, image_size=(16, 16), channels=1)
    assert (small.image_shape, small.levels) == ((16, 16, 1), 8)
    batch = next(small.splits["validation"].images.batch(100).as_numpy_iterator())
    assert (batch.shape, set(np.unique(batch))) == ((100, 16, 16, 1), set(range(8)))


def test_images_of_varying_size_need_one(make_data):
    features = {"image": tfds.features.Image(shape=(None, None, None)), "label": np.int64}
    images = [np.full((2 + k, 3, 1 + 2 * (k % 2)), k) for k in range(11)]
    make_data("varying", features, train=examples(images, label=0), validation=examples(images[:2], label=0))
    with pytest.raises(ValueError, match=r"images of tfds:varying vary in size: pass image_size"):
        load("tfds:varying")
    with pytest.raises(ValueError, match="vary in their number of channels"):
        load("tfds:varying", image_size=(2, 2))
    for channels in (1, 3):
        fitted = load("tfds:varying", image_size=(2, 2), channels=channels)
        assert list(fitted.splits) == ["train", "validation"]
        train = all_images(fitted, "train")
        assert train.shape == (11, 2, 2, channels)
        assert sorted(train[:, 0, 0, 0]) == list(range(11))


def test_splits_that_are_no_split_of_ours(make_data):
    features = {"image": tfds.features.Image(shape=(1, 1, 1))}
    images = examples(np.arange(25).reshape(25, 1, 1, 1))
    make_data("only_train", features, train=images)
    only_train = load("tfds:only_train")
    assert {key: split.name for key, split in only_train.splits.items()} == {
        "train": "train[:23]",
        "validation": "train[23:]",
    }
    parts = [all_images(only_train, key).ravel().tolist() for key in only_train.splits]
    assert sorted(parts[0] + parts[1]) == list(range(25))
    make_data("only_test", features, test=images, corrupted=images)
    with pytest.raises(ValueError, match=r"tfds:only_test has no split `train`; its splits are: .*corrupted"):
        load("tfds:only_test")


def test_splits_have_the_names_in_use_and_the_others_are_told(make_data):
    features = {"image": tfds.features.Image(shape=(1, 1, 1))}
    images = examples(np.arange(20).reshape(20, 1, 1, 1))
    make_data("short_names", features, training=images[:12], val=images[12:15], eval=images[15:17], extra=images[17:])
    data = load("tfds:short_names")
    assert {key: sorted(all_images(data, key).ravel().tolist()) for key in data.splits} == {
        "train": list(range(12)),
        "validation": [12, 13, 14],
        "test": [15, 16],
    }
    assert data.describe().splitlines()[-1] == "  note: unused splits: extra"
    sizes = {key: text.split(",")[0] for key, text in data.fingerprint.items()}
    assert sizes == {"train": "12 images", "validation": "3 images", "test": "2 images"}
    assert load("tfds:short_names", image_size=(2, 2)).fingerprint == data.fingerprint
    make_data("twice", features, train=images, val=images, validation=images)
    with pytest.raises(ValueError, match="tfds:twice has both val and validation, which both mean validation"):
        load("tfds:twice")


def test_data_without_bytes_of_images_are_named(make_data):
    make_data("words", {"word": tfds.features.Text()}, train=[{"word": "a"}])
    with pytest.raises(ValueError, match=r"tfds:words is not a data set of images.* features are word: Text"):
        load("tfds:words")
    floats = tfds.features.Image(shape=(1, 1, 1), dtype=np.float32)
    make_data("depth", {"image": floats}, train=[{"image": np.zeros((1, 1, 1), "float32")}])
    with pytest.raises(
        ValueError, match="tfds:depth is not a data set of images: it needs a feature `image` of type uint8"
    ):
        load("tfds:depth")


def test_values_out_of_range_are_named(make_data):
    # What a binary data set with bytes 0 and 255 would be.
    shape = (28, 28, 1)
    images = examples([np.full(shape, 255)])
    make_data("binarized_mnist", {"image": tfds.features.Image(shape=shape)}, train=images, validation=images)
    with pytest.raises(ValueError, match=r"Cannot read the images of train: .*Values must be in \[0, 2\)"):
        load("tfds:binarized_mnist").batches("train", 1)


@pytest.mark.usefixtures("make_data")
def test_an_unknown_data_set_is_named():
    with pytest.raises(ValueError, match="TFDS has no data set 'no_such_images'"):
        load("tfds:no_such_images")
    with pytest.raises(ValueError, match="TFDS has no data set 'imagenet_resized/33x33'"):
        load("tfds:imagenet_resized/33x33")


@pytest.mark.usefixtures("make_data")
def test_what_cannot_be_downloaded_is_named(monkeypatch, tmp_path):
    def no_network(self, **kwargs):
        raise ConnectionError("the network is down\nand a long tail")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_network)
    monkeypatch.setattr("pixelrnn_tf.data.tfds_images.can_reach", lambda addresses: True)
    with pytest.raises(FileNotFoundError) as caught:
        load("tfds:mnist")
    message = str(caught.value)
    assert message.startswith(f"tfds:mnist is not in {tmp_path}/mnist/3.0.1 and could not be downloaded")
    assert "TFDS_DATA_DIR to a directory that holds it prepared. The cause: ConnectionError: the network is" in message
    assert "tail" not in message
    assert isinstance(caught.value.__cause__, ConnectionError)
    with pytest.raises(
        FileNotFoundError, match=r"address that no longer exists: .* tfds:imagenet_resized/32x32 .*folder:"
    ):
        load("tfds:downsampled_imagenet/32x32")


@pytest.mark.usefixtures("real_data")
def test_the_label_of_an_image_is_the_one_beside_it():
    data = load("tfds:mnist", class_conditional=True)
    assert data.classes == tuple("0123456789")
    batch = next(data.batches("validation", 200).as_numpy_iterator())
    import tensorflow_datasets as tfds

    beside = tfds.load("mnist", split="train[54000:54200]", data_dir=os.environ["TFDS_DATA_DIR"], download=False)
    examples = list(beside.as_numpy_iterator())
    assert np.array_equal(batch["images"], [example["image"] for example in examples])
    assert np.array_equal(batch["condition"], [example["label"] for example in examples])


@pytest.mark.usefixtures("real_data")
def test_images_without_classes_are_no_data_for_class_conditional_models():
    with pytest.raises(ValueError, match=r"tfds:binarized_mnist has no classes: it needs a feature `label`"):
        load("tfds:binarized_mnist", class_conditional=True)


def test_images_without_a_class_are_refused_when_loading(make_data):
    features = {"image": tfds.features.Image(shape=(2, 2, 1)), "label": tfds.features.ClassLabel(num_classes=3)}
    image = np.full((2, 2, 1), 200)
    train = [{"image": image.astype("uint8"), "label": k % 3} for k in range(10)]
    test = [{"image": image.astype("uint8"), "label": -1} for _ in range(4)]
    make_data("unlabeled", features, train=train, test=test)
    assert load("tfds:unlabeled").splits["test"].size == 4
    with pytest.raises(ValueError, match=r"4 of the 4 images of the split test have no class \(their label is -1\)"):
        load("tfds:unlabeled", class_conditional=True)


def test_a_dark_data_set_is_told_and_mapped(make_data):
    make_data(
        "dark",
        {"image": tfds.features.Image(shape=(2, 2, 1))},
        train=examples(np.arange(20)[:, None, None, None] * np.ones((2, 2, 1), int)),
    )
    assert re.search(
        r"WARNING: values from \d to 1\d in the first 18 images of train\[:18\]", load("tfds:dark").describe()
    )
    mapped = load("tfds:dark", value_range=(0, 51))
    assert mapped.levels == 256
    assert sorted(all_images(mapped, "all")[:, 0, 0, 0]) == [5 * n for n in range(20)]


def test_without_a_network_the_advice_comes_at_once(tmp_path, monkeypatch):
    """No host is asked more than once: TFDS would retry for minutes."""
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    start = time.monotonic()
    with pytest.raises(FileNotFoundError, match=r"there is no network.* TFDS_DATA_DIR to a directory .* prepared, or"):
        load("tfds:mnist")
    assert time.monotonic() - start < 5
    assert asked == [("storage.googleapis.com", 443)]


def test_a_network_that_never_answers_is_not_waited_for(monkeypatch):
    answered = threading.Event()

    def hang(*_):
        answered.wait(60)
        raise OSError

    monkeypatch.setattr("socket.create_connection", hang)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    assert not network.can_reach(["https://example.org/a"], seconds=0.05)
    answered.set()
    assert network.can_reach([]), "nothing to download"
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://proxy"})
    assert network.can_reach(["https://example.org/a"])
