"""The flags that choose a network, shared by the programs."""

from typing import Any

from absl import flags

MODEL_FLAGS = ("block", "num_blocks", "hidden", "head_hidden", "residual", "skips")


def define_model_flags(preset: str) -> None:
    """Define --preset and the flags that replace its arguments."""
    flags.DEFINE_string("preset", preset, "A named network; the flags below replace its arguments.")
    flags.DEFINE_enum("block", None, ["pixel_cnn", "row_lstm", "diagonal_bilstm"], "Kind of block.")
    flags.DEFINE_integer("num_blocks", None, "Number of blocks.", lower_bound=1)
    flags.DEFINE_integer("hidden", None, "Units h of a block.", lower_bound=1)
    flags.DEFINE_integer("head_hidden", None, "Features of the head's inner layers.", lower_bound=1)
    flags.DEFINE_bool("residual", None, "Whether blocks have residual connections.")
    flags.DEFINE_bool("skips", None, "Whether every block is connected to the head.")


def model_arguments(values: flags.FlagValues) -> dict[str, Any]:
    """The arguments of `PixelRNN` that were given."""
    return {name: values[name].value for name in MODEL_FLAGS if values[name].value is not None}
