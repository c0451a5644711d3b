"""Decompress a file of `trainers.compress`: `python -m trainers.decompress --model=PATH --file=FILE.pxr --out=FOLDER`.

The images become PNG files with the names of the compressed files, or numbered in their order. For a class-conditional
model, labels.csv holds the labels.
"""

import dataclasses
import pathlib

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """File to decompress, model and output."""

    model: pathlib.Path = option("The model that the file was compressed with.")
    file: pathlib.Path = option("File of trainers.compress.", endings=(".pxr",))
    out: pathlib.Path = option("Folder for the PNG files, new or empty.", written="folder")

    def __post_init__(self):
        check(self)
        if not self.file.is_file():
            raise ValueError(f"There is no file {self.file}.")
        if self.out.is_dir() and any(self.out.iterdir()):
            raise ValueError(f"{self.out} is not empty; choose another folder.")
        # The finished folder takes its place, and the shell would be left in a deleted one.
        if self.out.resolve() == pathlib.Path.cwd():
            raise ValueError(f"--out={self.out} is the working directory; choose a new folder, such as --out=images.")


def main(options: Options) -> None:
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.programs import compressing

    compressing.decompress_file(load_model(options.model), options.file, options.out)


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
