"""Choice of images: the arguments of `pixelrnn_tf.data.load` as one value, and as flags."""

import dataclasses
import functools
import os
import re
from typing import TYPE_CHECKING

from pixelrnn_cli.flags import check, option

if TYPE_CHECKING:
    from pixelrnn_tf.data import ImageData

_data = functools.partial(option, group="Images")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Choice of images."""

    name: str = _data('Images: "digits", "tfds:NAME", "folder:PATH" or "npz:FILE".', "digits", flag="data")
    levels: int | None = _data(
        "Requantize to this many levels; by default those of the data set.", None, at_least=2, at_most=256
    )
    binarization: str = _data("How to make images binary.", "none", choices=("none", "dynamic", "threshold"))
    image_size: tuple[int, int] | None = _data("Resize to this size.", None, form="HEIGHT,WIDTH, such as 32,32")
    channels: int | None = _data(
        "1 for gray, 3 for color; by default that of the data set.", None, at_least=1, at_most=3
    )
    value_range: tuple[int, int] | None = _data(
        "Map these values to black and white; by default the full range of the files.",
        None,
        form="LOW,HIGH, such as 0,4095 for 12 bits in files of 16",
    )
    class_conditional: bool = _data("Pass the class of every image to the network.", False)
    vector_conditional: bool = _data("Pass the vector of every image of an npz file to the network.", False)

    def __post_init__(self):
        check(self)
        if self.class_conditional and self.vector_conditional:
            raise ValueError("--class_conditional and --vector_conditional cannot be combined.")
        if not isinstance(self.name, str):
            raise ValueError(f"--data must be the name of a data set, got {self.name!r}.")
        if self.image_size is not None:
            # It is a list if it comes from a JSON file.
            object.__setattr__(self, "image_size", tuple(self.image_size))
            if len(self.image_size) != 2 or not all(isinstance(n, int) and 0 < n <= 4096 for n in self.image_size):
                raise ValueError(
                    "--image_size must be HEIGHT,WIDTH, integers from 1 to 4096; got "
                    f"{','.join(map(str, self.image_size))}."
                )

        if self.value_range is not None:
            object.__setattr__(self, "value_range", tuple(self.value_range))
            low, high = self.value_range if len(self.value_range) == 2 else (0, 0)
            if not all(isinstance(n, int) for n in (low, high)) or not 0 <= low < high <= 65535:
                given = ",".join(map(str, self.value_range))
                raise ValueError(f"--value_range must be LOW,HIGH, increasing integers up to 65535; got {given}.")

    def load(self, whole: bool = False) -> "ImageData":
        """Load the data set.

        Args:
            whole: see `pixelrnn_tf.data.load`.

        Raises:
            ValueError: for arguments that contradict each other or do not fit the data set.
            OSError: if there is no such folder or file.
        """
        from pixelrnn_tf.data import load  # Imported here, since it imports TensorFlow.

        kind, _, path = self.name.partition(":")
        try:
            return load(
                f"{kind}:{os.path.expanduser(path)}" if kind in ("folder", "npz") else self.name,
                self.levels,
                self.binarization,
                self.image_size,
                self.channels,
                self.class_conditional,
                self.value_range,
                whole,
                self.vector_conditional,
            )
        except ValueError as error:
            raise ValueError(in_words_of_flags(str(error))) from error


def in_words_of_flags(message: str) -> str:
    """Replace argument names by flag names in an error of `pixelrnn_tf.data.load`."""
    for form in ("HEIGHT, WIDTH", "LOW, HIGH"):
        message = message.replace(f"=({form.lower()})", f"={form.replace(', ', ',')}")
    names = r"(levels|image_size|channels|binarization|value_range)=|(class|vector)_conditional\b"
    return re.sub(rf"(?<![-\w])({names})", r"--\1", message)
