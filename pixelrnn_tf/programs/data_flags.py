"""The flags that choose images, shared by the programs."""

import dataclasses
from collections.abc import Callable

from absl import flags

from pixelrnn_tf.data import ImageData, load

# The flags that say what to make of the images of --data.
DATA_FLAGS = ("levels", "binarization", "image_size", "channels")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which images: the arguments of `pixelrnn_tf.data.load`."""

    name: str = "digits"
    levels: int | None = None
    binarization: str = "none"
    image_size: tuple[int, int] | None = None
    channels: int | None = None

    def load(self) -> ImageData:
        return load(self.name, self.levels, self.binarization, self.image_size, self.channels)


def define_data_flags(default: str | None = "digits") -> None:
    """Define --data and what goes with it."""
    flags.DEFINE_string("data", default, 'Images: "digits", "tfds:NAME" or "folder:PATH".')
    flags.DEFINE_integer("levels", None, "Requantise to this many levels; by default the data set's own.")
    flags.DEFINE_enum("binarization", "none", ["none", "dynamic", "threshold"], "How to make images binary.")
    flags.DEFINE_list("image_size", None, "Resize to HEIGHT,WIDTH.")
    flags.DEFINE_integer("channels", None, "1 for grey, 3 for colour; by default the data set's own.")


def data_config(values: flags.FlagValues, default: Callable[[], DataConfig] | None = None) -> DataConfig:
    """The value of the flags, or `default()` without --data.

    Raises:
        ValueError: if --image_size is not two positive integers, or flags that belong to --data stand alone.
    """
    if values.data is None:
        alone = [f"--{name}" for name in DATA_FLAGS if values[name].present]
        if alone:
            raise ValueError(f"{', '.join(alone)} say what to make of the images of --data, which is not given.")
        return default()
    size = None
    if values.image_size is not None:
        if len(values.image_size) != 2 or not all(part.isdigit() and int(part) > 0 for part in values.image_size):
            raise ValueError(f"--image_size must be HEIGHT,WIDTH, such as 32,32; got {','.join(values.image_size)}.")
        size = (int(values.image_size[0]), int(values.image_size[1]))
    return DataConfig(values.data, values.levels, values.binarization, size, values.channels)
