"""Draw images from a saved model: `python -m trainers.sample --model=PATH --out=PNG`."""

import dataclasses
import pathlib

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option
from pixelrnn_cli.shared_options import label_option, temperature_option, vector_option


@dataclasses.dataclass(frozen=True)
class Options:
    """Images to draw, model and output."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    out: pathlib.Path = option("PNG file to write.", endings=(".png",), written="file")
    num_images: int = option("Number of images.", 16, at_least=1, at_most=100_000)
    temperature: float = temperature_option()
    label: str | None = label_option("Class to draw, for a class-conditional model; by default every class in turn.")
    vector: tuple[float, ...] | None = vector_option(
        "Numbers to draw from, for a model that takes a vector; by default from the smallest to the largest."
    )
    seed: int = option("Image k depends only on the seed and k.", 0, at_least=0, at_most=2**63 - 1)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf import sampling
    from pixelrnn_tf.evaluation.batched_sampling import draw_picture
    from pixelrnn_tf.models.loading import load_model

    sampling.check_temperature(options.temperature)
    model = load_model(options.model)
    draw_picture(
        model, options.out, options.num_images, options.seed, options.temperature, options.label, options.vector
    )


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
