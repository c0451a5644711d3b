"""Complete partly hidden images: `python -m trainers.complete --model=PATH --out=PNG [--mask=lower_half]`.

Each row of the picture shows an image, its known part, and completions. Without --data, the images come from the data
set that the model was trained on, which its `model.json` or its preset names.

Each hidden pixel is drawn given the pixels before it in raster order. So completing a lower part draws from the model's
conditional distribution. Known pixels below or to the right of a hidden pixel are kept, but do not influence it.
"""

import dataclasses
import pathlib
import shlex

from pixelrnn_cli import program
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option, options_in
from pixelrnn_cli.shared_options import SPLITS, label_option, temperature_option, vector_option


@dataclasses.dataclass(frozen=True)
class Options:
    """Images to complete, model and output."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    out: pathlib.Path = option("PNG file to write.", endings=(".png",), written="file")
    mask: str = option(
        "Pixels to hide: lower_half, upper_half, right_half, left_half, center, or a PNG file that is black where "
        "pixels are hidden.",
        "lower_half",
    )
    split: str = option("Split whose first images are completed.", "test", choices=SPLITS)
    num_images: int = option("Number of images.", 8, at_least=1, at_most=10_000)
    num_samples: int = option("Completions of each image.", 6, at_least=1, at_most=10_000)
    temperature: float = temperature_option()
    label: str | None = label_option(
        "Class of the completions, for a class-conditional model; by default that of each image."
    )
    vector: tuple[float, ...] | None = vector_option(
        "Numbers of the completions, for a model that takes a vector; by default those of each image."
    )
    seed: int = option("Seed of the completions.", 0, at_least=0, at_most=2**63 - 1)
    data: DataConfig | None = options_in(DataConfig, given_by="data")

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    import numpy as np

    from pixelrnn_tf import sampling
    from pixelrnn_tf.data import to_bytes
    from pixelrnn_tf.evaluation.batched_sampling import complete_images, one_condition
    from pixelrnn_tf.models.classification import class_name
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.pictures import grids, occlusion, png_files
    from pixelrnn_tf.programs import model_files

    sampling.check_temperature(options.temperature)
    model = load_model(options.model)
    known = occlusion.known_pixels(options.mask, *model.image_shape[:2])
    given = one_condition(model, options.label, options.vector)
    data = model_files.images_for(model, options.model, options.data, options.split)
    images, condition = data.first(options.split, options.num_images)
    if given is not None:
        condition = np.broadcast_to(given, (len(images), *given.shape))
    completed = complete_images(
        model, images, known, options.num_samples, options.seed, options.temperature, condition=condition
    )
    shown, completions = (to_bytes(levels, model.levels) for levels in (images, completed))
    names = [] if model.num_classes is None or condition is None else [class_name(model, k) for k in condition]
    png_files.write(options.out, grids.occlusion_panel(shown, known, completions, names))
    print(
        f"{options.num_samples} completions of {len(images)} images of {data.name}, {options.split}, "
        f"{options.mask} occluded, at temperature {options.temperature:g}: {shlex.quote(str(options.out))}"
    )


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
