"""Decompress what `trainers.compress` wrote: `python -m trainers.decompress --model=PATH --file=FILE.pxr --out=FOLDER`.

The images become PNG files with the names of the files that were compressed, or are numbered in their order; of a
class-conditional model, labels.csv holds their labels.
"""

import dataclasses
import pathlib

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """What to decompress, with what, into which folder."""

    model: pathlib.Path = option("The model that the file was compressed with.")
    file: pathlib.Path = option("File that trainers.compress wrote.", endings=(".pxr",))
    out: pathlib.Path = option("Folder for the PNG files, new or empty.", written="folder")

    def __post_init__(self):
        check(self)
        if not self.file.is_file():
            raise ValueError(f"There is no file {self.file}.")
        if self.out.is_dir() and any(self.out.iterdir()):
            raise ValueError(f"{self.out} is not empty; choose another folder.")


def main(options: Options) -> None:
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.programs import compressing

    compressing.decompress_file(load_model(options.model), options.file, options.out)


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
