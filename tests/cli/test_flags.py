"""Flags that stand once, as the fields of dataclasses."""

import dataclasses
import pathlib

import pytest
from absl import flags as absl_flags

from pixelrnn_cli import flags
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import option, options_in
from pixelrnn_cli.train_config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Brush:
    size: int | None = option("Its size.", None, at_least=1, at_most=9, group="Brush")
    soft: bool | None = option("Whether it is soft.", None, group="Brush")

    def __post_init__(self):
        flags.check(self)


@dataclasses.dataclass(frozen=True)
class Options:
    out: pathlib.Path = option("What to write.", endings=(".png", ".bmp"), written="file")
    model: pathlib.Path | None = option("A file.", None)
    rate: float = option("How fast.", 0.5, above=0, below=1)
    kind: str = option("Which.", "oil", choices=("oil", "ink"))
    marks: tuple[int, ...] = option("Where.", (), form="numbers, such as 1,2")
    brush: dict = options_in(Brush, as_dict=True)
    data: DataConfig | None = options_in(DataConfig, given_by="data")

    def __post_init__(self):
        flags.check(self)


def parsed(*arguments):
    values = absl_flags.FlagValues()
    flags.define(Options, values)
    values(["program", *arguments])
    return flags.read(Options, values)


def test_flags_have_the_defaults_and_types_of_the_fields():
    assert parsed("--out=a.png") == Options(pathlib.Path("a.png"))
    told = parsed(
        "--out=~/a.BMP", "--rate=0.25", "--kind=ink", "--marks=3,4", "--size=2", "--nosoft", "--data=folder:x",
        "--image_size=4,5", "--levels=2",
    )  # fmt: skip
    data = DataConfig("folder:x", levels=2, image_size=(4, 5))
    brush = {"size": 2, "soft": False}
    assert told == Options(pathlib.Path.home() / "a.BMP", None, 0.25, "ink", (3, 4), brush, data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--out is missing. What to write."),
        (["--out="], "--out must name a file or a folder, got an empty value"),
        (["--out=a.jpg"], r"--out must end in \.png or \.bmp, got a\.jpg"),
        (["--model="], "--model must name a file or a folder, got an empty value"),
        (["--rate=1"], "rate must be a number greater than 0 and smaller than 1, got 1.0"),
        (["--rate=nan"], "rate must be a number greater than 0 and smaller than 1, got nan"),
        (["--size=10"], "size must be an integer of at least 1 and at most 9, got 10"),
        (["--marks=3,x"], "--marks must be numbers, such as 1,2; got 3,x"),
        (["--image_size=8", "--data=digits"], "--image_size must be HEIGHT,WIDTH, such as 32,32; got 8"),
        (
            ["--image_size=8,0", "--data=digits"],
            "--image_size must be HEIGHT,WIDTH, integers from 1 to 4096; got 8,0",
        ),
        (["--levels=2", "--channels=1"], "--levels, --channels belong to --data, which is not given"),
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_named(arguments, message):
    out = [] if "--out" in message else ["--out=a.png"]
    with pytest.raises(ValueError, match=message):
        parsed(*out, *arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": 0}, "rate must be a number greater than 0"),
        ({"rate": "fast"}, "rate must be a number .* got 'fast'"),
        ({"kind": "chalk"}, "kind must be one of oil, ink, got 'chalk'"),
    ],
    ids=str,
)
def test_the_dataclass_holds_the_same_bounds(changes, message):
    with pytest.raises(ValueError, match=message):
        Options(pathlib.Path("a.png"), **changes)
    with pytest.raises(ValueError, match="soft must be True or False, got 'no'"):
        Brush(soft="no")


def test_a_path_that_cannot_be_written_to_is_found_before_work_begins(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=rf"Cannot write to {tmp_path}/file/a\.png: .*/file is a file"):
        parsed(f"--out={tmp_path / 'file' / 'a.png'}")
    assert parsed(f"--out={tmp_path / 'new' / 'a.png'}", f"--model={tmp_path / 'file'}").model == tmp_path / "file"
    assert not (tmp_path / "new").exists()


def test_help_lists_every_flag_by_subject():
    text = flags.help_text(Options)
    assert text.index("Flags:") < text.index("--out") < text.index("Brush:") < text.index("--size")
    assert "What to write. (.png or .bmp; required)" in text
    assert "How fast. (greater than 0 and smaller than 1; default 0.5)" in text
    assert "Which. (oil|ink; default oil)" in text
    assert "Its size. (at least 1 and at most 9)" in text
    assert "--[no]soft" in text
    assert text.index("Images:") < text.index("--data")
    values = absl_flags.FlagValues()
    flags.define(Options, values)
    assert "\nBrush:\n  --size: Its size.\n" in values.get_help()


def test_a_path_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    flags.check_writable(tmp_path / "file")
    flags.check_writable(tmp_path / "new" / "file.png")
    flags.check_writable(tmp_path / "new" / "folder", is_folder=True)
    for path, is_folder, why in (
        (tmp_path, False, "it is a folder"),
        (tmp_path / "file", True, "it is a file"),
        (tmp_path / "file" / "picture.png", False, "file is a file"),
    ):
        with pytest.raises(OSError, match=f"Cannot write to {path}: .*{why}"):
            flags.check_writable(path, is_folder)


def test_earlier_names_of_flags_still_work():
    values = absl_flags.FlagValues()
    flags.define(TrainConfig, values)
    values(["train", "--average_decay=0.5", "--clip_norm=2", "--accumulation=2", "--schedule=step", "--decay_at=3,9"])
    config = flags.read(TrainConfig, values)
    assert (config.ema_decay, config.global_clipnorm) == (0.5, 2.0)
    assert (config.gradient_accumulation_steps, config.lr_boundaries) == (2, (3, 9))
    assert "average_decay" not in flags.help_text(TrainConfig)
