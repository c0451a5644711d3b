"""Which files of a folder are read, and as which split: names, hidden ones and links."""

import pathlib

import pytest

from pixelrnn_tf.data import load
from pixelrnn_tf.data.folder_files import find_classes, find_files
from tests.support.picture_folders import write_numbered


def stems(folder):
    return {key: [pathlib.Path(file).stem for file in files] for key, (_, files) in find_files(folder).parts.items()}


@pytest.mark.parametrize(
    ("validation", "test"),
    [("val", "test"), ("valid", "eval"), ("dev", "Testing"), ("Validation", "EVALUATION"), ("VAL", "Test")],
)
@pytest.mark.parametrize("train", ["train", "Training"])
def test_splits_have_the_names_in_use(tmp_path, train, validation, test):
    for number, name in enumerate((train, validation, test)):
        write_numbered(tmp_path / name, [number])
    assert stems(tmp_path) == {"train": ["000"], "validation": ["001"], "test": ["002"]}


def test_validation_beside_train_is_not_trained_on(tmp_path):
    write_numbered(tmp_path / "train", range(3))
    write_numbered(tmp_path / "val" / "class", range(3, 5))
    assert stems(tmp_path) == {"train": ["000", "001", "002"], "validation": ["003", "004"]}


@pytest.mark.parametrize(("one", "other"), [("val", "valid"), ("train", "Training"), ("eval", "test"), ("Dev", "dev")])
def test_two_folders_for_one_split_are_refused(tmp_path, one, other):
    for name in {"train", one, other}:
        write_numbered(tmp_path / name, range(2))
    with pytest.raises(ValueError, match=r"has both \w+ and \w+, which both mean (train|validation|test): keep one"):
        find_files(tmp_path)


@pytest.mark.parametrize("splits", [["train"], ["train", "val"]])
def test_pictures_beside_train_are_refused_by_name(tmp_path, splits):
    for name in splits:
        write_numbered(tmp_path / name, range(3))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "all.csv").write_text("no picture")
    (tmp_path / "README.txt").write_text("no picture")
    assert sum(map(len, stems(tmp_path).values())) == 3 * len(splits)
    write_numbered(tmp_path / "vaildation" / "deep", [7])
    with pytest.raises(ValueError, match=r"other pictures in vaildation/, whose name is not that of a split .*dev"):
        find_files(tmp_path)
    (tmp_path / "vaildation" / "deep" / "007.png").rename(tmp_path / "7.png")
    with pytest.raises(ValueError, match=r"other pictures in 7\.png, whose name"):
        find_files(tmp_path)


def test_splits_deeper_in_a_folder_are_not_mixed(tmp_path):
    for name in ("train", "val"):
        write_numbered(tmp_path / "archive" / name, range(3))
    with pytest.raises(ValueError, match=r"archive has its own splits \(train/, val/\).* use folder:.*/archive"):
        find_files(tmp_path)
    # A class of that name alone is a class.
    write_numbered(tmp_path / "vehicles" / "train", range(3))
    write_numbered(tmp_path / "vehicles" / "plane", range(3, 4))
    assert stems(tmp_path / "vehicles" / "train") == {"": ["000", "001", "002"]}


def test_hidden_files_and_folders_are_left_out_at_any_depth(tmp_path):
    root = tmp_path / ".hidden_above"
    write_numbered(root / "a" / "b", range(3))
    write_numbered(root / "a" / ".ipynb_checkpoints" / "c", range(3, 6))
    write_numbered(root / ".git", range(6, 9))
    (root / "a" / "._000.png").write_bytes(b"no picture")
    assert stems(root) == {"": ["000", "001", "002"]}


def test_links_are_followed_and_lead_nowhere_twice(tmp_path):
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    write_numbered(elsewhere, range(2))
    write_numbered(root / "own", range(2, 3))
    (root / "linked").symlink_to(elsewhere)
    (root / "own" / "003.png").symlink_to(elsewhere / "000.png")
    assert stems(root) == {"": ["000", "001", "002", "003"]}
    assert find_files(root).notes() == []
    (root / "again").symlink_to(elsewhere)
    (root / "own" / "up").symlink_to(root)
    (elsewhere / "above").symlink_to(tmp_path)
    assert stems(root) == {"": ["000", "001", "002", "003"]}
    found = find_files(root)
    assert sorted(pathlib.Path(path).name for path in found.repeated) == ["above", "linked", "up"]
    assert found.notes() == [
        "skipped 3 links to folders that were already read or contain the link, such as " + found.repeated[0]
    ]


def test_a_link_to_the_whole_folder_does_not_mix_its_splits(tmp_path):
    write_numbered(tmp_path / "train", range(3))
    write_numbered(tmp_path / "val", range(3, 5))
    (tmp_path / "train" / "back").symlink_to(tmp_path)
    assert stems(tmp_path) == {"train": ["000", "001", "002"], "validation": ["003", "004"]}


def test_a_link_to_nowhere_is_named(tmp_path):
    write_numbered(tmp_path, range(3))
    for name in ("cats", "004.png"):
        (tmp_path / name).symlink_to(tmp_path / "gone")
        with pytest.raises(ValueError, match=f"{name} is a broken link to .*/gone: repair or remove it"):
            find_files(tmp_path)
        (tmp_path / name).unlink()


def test_what_is_no_picture_is_counted(tmp_path):
    write_numbered(tmp_path, range(3))
    for name in ("a.avi", "b.AVI", "c.heic", "d"):
        (tmp_path / "sub").mkdir(exist_ok=True)
        (tmp_path / "sub" / name).write_bytes(b"")
    assert find_files(tmp_path).notes() == ["skipped 4 files of other kinds (.avi 2, .heic 1, no suffix 1)"]


def test_classes_in_train_without_another_split_have_their_path_named(tmp_path):
    for number, name in enumerate(("cat", "dog")):
        write_numbered(tmp_path / "train" / name, [number])
    with pytest.raises(ValueError, match=rf"only train/ and no other split.* use folder:{tmp_path}/train\."):
        find_classes(tmp_path, find_files(tmp_path))
    assert find_classes(tmp_path / "train", find_files(tmp_path / "train"))[0] == ("cat", "dog")


def test_a_whole_folder_with_splits_is_in_their_order(tmp_path):
    for number, name in enumerate(("test", "train", "val")):
        write_numbered(tmp_path / name, [10 * number + 1, 10 * number])
    images = load(f"folder:{tmp_path}", image_size=(3, 4), whole=True).first("all")[0]
    assert images[:, 0, 0, 0].tolist() == [10, 11, 20, 21, 0, 1]
