"""Files, folders and wildcards that a flag gives."""

import pathlib

import pytest

from pixelrnn_cli.image_files import find_images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.png", "a.PNG", "x,y.png", "x", "[1].png", "sub/1.png", "sub/.2.png", "sub/3.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["b.png"], ["b.png"]),
        (["b.png,a.PNG"], ["b.png", "a.PNG"]),
        (["b.png", "a.PNG"], ["b.png", "a.PNG"]),
        ([" b.png , a.PNG,"], ["b.png", "a.PNG"]),
        (["sub"], ["sub/1.png"]),
        (["b.png,sub"], ["b.png", "sub/1.png"]),
        (["x,y.png"], ["x,y.png"]),
        (["b.png,x,y.png,sub"], ["b.png", "x,y.png", "sub/1.png"]),
        (["?.png"], ["b.png"]),
        (["*.png,b.png"], ["[1].png", "b.png", "x,y.png", "b.png"]),
        (["[1].png"], ["[1].png"]),
        (["x"], ["x"]),
        ([pathlib.Path("sub")], ["sub/1.png"]),
    ],
)
def test_what_is_given_is_found(folder, given, found):
    assert [str(path) for path in find_images(given)] == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["b.png,c.png"], r"--images must be PNG files, but there is no file 'c\.png'"),
        (["*.jpg"], "there is no file '\\*.jpg'"),
        (["empty"], "there are none in the folder empty"),
        ([], "got none"),
        ([","], "got none"),
    ],
)
def test_what_is_not_there_is_named(folder, given, message):
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=message):
        find_images(given)
