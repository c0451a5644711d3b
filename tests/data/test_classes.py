"""Names of classes: their order, and labels by name."""

import os

import numpy as np
import pytest

from pixelrnn_tf.data import ImageData, Split, load, match_classes
from pixelrnn_tf.data.classes import sorted_names
from tests.support.picture_folders import write_numbered


def of_classes(*names):
    """Two images of each class, in turn."""
    labels = np.resize(np.arange(len(names)), 2 * len(names)).astype("int32")
    split = Split.of_array("all", labels.astype("uint8").reshape(-1, 1, 1, 1), labels)
    return ImageData("pets", (1, 1, 1), 256, "none", {"train": split}, classes=names)


def test_numbers_are_sorted_as_numbers():
    assert sorted_names({"10", "9", "0", "11", "2"}) == ["0", "2", "9", "10", "11"]
    assert sorted_names({"10", "9", "b"}) == ["10", "9", "b"]
    assert sorted_names({"1", "01", "-2"}) == ["-2", "01", "1"]


def test_folders_of_numbers_are_labeled_in_numerical_order(tmp_path):
    for number in range(12):
        write_numbered(tmp_path / "train" / str(number), [number])
        write_numbered(tmp_path / "val" / str(number), [100 + number])
    data = load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)
    assert data.classes == tuple(map(str, range(12)))
    images, labels = data.first("train")
    assert np.array_equal(images[:, 0, 0, 0], labels)


def test_labels_are_matched_by_name():
    data = of_classes("cat", "dog", "eel")
    assert match_classes(data, ["cat", "dog", "eel"]) is data
    other = match_classes(data, ["eel", "fox", "dog", "cat"])
    assert other.classes == ("eel", "fox", "dog", "cat")
    assert other.first("train")[1].tolist() == [3, 2, 0, 3, 2, 0]
    assert data.first("train")[1].tolist() == [0, 1, 2, 0, 1, 2]


def test_other_names_are_refused_with_both_lists():
    with pytest.raises(ValueError, match=r"'zero', which the model does not know.*data: zero, one\. .*model: 0, 1\."):
        match_classes(of_classes("zero", "one"), ["0", "1"])


def test_a_class_folder_that_is_not_utf8_is_named(tmp_path):
    write_numbered(tmp_path / "a", range(5))
    write_numbered(tmp_path / os.fsdecode(b"b\xff"), range(5, 10))
    with pytest.raises(ValueError, match=r"class folder whose name is not UTF-8: 'b\\udcff'.*rename the folder"):
        load(f"folder:{tmp_path}", image_size=(3, 4), class_conditional=True)
