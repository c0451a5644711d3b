"""Compress images losslessly: `python -m trainers.compress --model=PATH --out=FILE.pxr [--data=...|--images=...]`.

Prints the size of the file, headers included, and the bits of the likelihood. `trainers.decompress` with the same model
restores the images. Without --data and --images, the images come from the data set that the model was trained on, which
its `model.json` or its preset names.
"""

import dataclasses
import pathlib

from pixelrnn_cli import program
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option, options_in
from pixelrnn_cli.image_files import find_images
from pixelrnn_cli.shared_options import SPLITS, images_option


@dataclasses.dataclass(frozen=True)
class Options:
    """Images to compress, model and output."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    out: pathlib.Path = option("File to write.", endings=(".pxr",), written="file")
    split: str = option("Split of the data whose images are compressed.", "test", choices=SPLITS)
    num_images: int = option("Number of images, from the first; 0 for all.", 0, at_least=0, at_most=2**32 - 1)
    images: tuple[str, ...] = images_option("Compress these PNG files instead, or those of folders.", default=())
    verify: bool = option("Decompress and compare before the file is written.", False)
    compare: bool = option("Print a table of the sizes under zlib, bz2, lzma, PNG and other codecs.", False)
    data: DataConfig | None = options_in(DataConfig, given_by="data")

    def __post_init__(self):
        check(self)
        if self.images and self.data is not None:
            raise ValueError("Pass --images or --data, not both.")
        if self.images:
            given = (self.images,) if isinstance(self.images, str | pathlib.Path) else self.images
            object.__setattr__(self, "images", tuple(map(str, find_images(given))))


def main(options: Options) -> None:
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.programs import compressing, model_files, other_codecs

    model = load_model(options.model)
    if options.images:
        images, labels = compressing.read_pictures(options.images, model, options.num_images), None
        names = [pathlib.Path(path).name for path in options.images[: options.num_images or None]]
    else:
        data = model_files.images_for(model, options.model, options.data, options.split)
        images, labels = data.first(options.split, options.num_images or None)
        names = []
    size = compressing.compress_file(model, images, labels, options.out, options.verify, names)
    if options.compare:
        weights = 4 * model.count_params()
        print(other_codecs.table(images, model.levels, size, weights))


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
