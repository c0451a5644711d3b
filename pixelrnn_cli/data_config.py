"""Which images: the arguments of `pixelrnn_tf.data.load` as one value, and as flags."""

import dataclasses
import functools
import os
from typing import TYPE_CHECKING

from pixelrnn_cli.flags import check, option

if TYPE_CHECKING:
    from pixelrnn_tf.data import ImageData

_data = functools.partial(option, group="Images")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which images."""

    name: str = _data('Images: "digits", "tfds:NAME" or "folder:PATH".', "digits", flag="data")
    levels: int | None = _data(
        "Requantise to this many levels; by default the data set's own.", None, at_least=2, at_most=256
    )
    binarization: str = _data("How to make images binary.", "none", choices=("none", "dynamic", "threshold"))
    image_size: tuple[int, int] | None = _data("Resize to this size.", None, form="HEIGHT,WIDTH, such as 32,32")
    channels: int | None = _data(
        "1 for grey, 3 for colour; by default the data set's own.", None, at_least=1, at_most=3
    )
    class_conditional: bool = _data("Give every image's class with it, to a class-conditional network.", False)

    def __post_init__(self):
        check(self)
        if self.image_size is not None:
            # Of a file of JSON it is a list.
            object.__setattr__(self, "image_size", tuple(self.image_size))
            if len(self.image_size) != 2 or not all(isinstance(n, int) and 0 < n <= 4096 for n in self.image_size):
                raise ValueError(
                    f"image_size must be two whole numbers from 1 to 4096, height and width, got {self.image_size}."
                )

    def load(self) -> "ImageData":
        """The data set.

        Raises:
            ValueError: for arguments that do not fit each other or the data set.
            OSError: if there is no such folder or file.
        """
        from pixelrnn_tf.data import load  # Here: it loads TensorFlow, which this module does without.

        kind, _, path = self.name.partition(":")
        name = f"folder:{os.path.expanduser(path)}" if kind == "folder" else self.name
        return load(name, self.levels, self.binarization, self.image_size, self.channels, self.class_conditional)
