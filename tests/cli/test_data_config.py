"""The flags that say which images."""

import pytest

from pixelrnn_cli.data_config import DataConfig, in_words_of_flags
from pixelrnn_cli.train_config import TrainConfig


@pytest.mark.parametrize(
    ("of_library", "of_flags"),
    [
        (
            "folder:x requires image_size=(height, width), the size",
            "folder:x requires --image_size=HEIGHT,WIDTH, the size",
        ),
        ("pass channels=1 to make all gray, or channels=3", "pass --channels=1 to make all gray, or --channels=3"),
        ("Omit class_conditional.", "Omit --class_conditional."),
        ("Pass value_range=(low, high) to map", "Pass --value_range=LOW,HIGH to map"),
        ("Map them by --value_range=0,9", "Map them by --value_range=0,9"),
        ("of 17 levels: levels must be", "of 17 levels: levels must be"),
    ],
)
def test_errors_are_in_the_words_of_flags(of_library, of_flags):
    assert in_words_of_flags(of_library) == of_flags


def test_a_folder_without_a_size_is_an_error_of_a_flag(tmp_path):
    with pytest.raises(ValueError, match=r"requires --image_size=HEIGHT,WIDTH"):
        DataConfig(f"folder:{tmp_path}").load()


@pytest.mark.parametrize("given", [(9, 3), (0,), (0, 70000), (-1, 5), (0.5, 9)])
def test_a_range_grows(given):
    with pytest.raises(ValueError, match=r"--value_range must be LOW,HIGH"):
        DataConfig(value_range=given)


@pytest.mark.parametrize(
    ("changed", "flag"), [({"image_size": (4, 4)}, "image_size"), ({"binarization": "dynamic"}, "binarization")]
)
def test_codes_are_not_computed_with(changed, flag):
    with pytest.raises(ValueError, match=f"--{flag} would compute with codes as with brightness"):
        TrainConfig(data=DataConfig("npz:codes.npz", **changed), model={"inputs": "codes"})
    TrainConfig(data=DataConfig("npz:codes.npz"), model={"inputs": "codes"})
