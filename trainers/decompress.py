"""Decompress what `trainers.compress` wrote: `python -m trainers.decompress --model=PATH --file=FILE.pxr --out=FOLDER`.

The images become PNG files, numbered in their order; of a class-conditional model, labels.csv holds their labels.
"""

import dataclasses
import pathlib

from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """What to decompress, with what, into which folder."""

    model: pathlib.Path = option("The model that the file was compressed with.", existing="model")
    file: pathlib.Path = option("File that trainers.compress wrote.", endings=(".pxr",))
    out: pathlib.Path = option("Folder for the PNG files, new or empty.", written="folder")

    def __post_init__(self):
        check(self)
        if not self.file.is_file():
            raise ValueError(f"There is no file {self.file}.")
        if self.out.is_dir() and any(self.out.iterdir()):
            raise ValueError(f"{self.out} is not empty; choose another folder.")


def main(options: Options) -> None:
    from pixelrnn_tf.programs import model_files
    from trainers import compressing

    compressing.decompress_file(model_files.load_model(options.model), options.file, options.out)


if __name__ == "__main__":
    program.run(main, Options)
