"""Score a saved model: `python -m trainers.evaluate --model=PATH [--data=...] [--split=test]`.

Prints the exact negative log-likelihood over a split, in nats per image and bits/dim. For a class-conditional model, it
also prints the score without labels, the gain of a label, and the classification accuracy. For a Multi-Scale PixelRNN,
it prints the share of each scale. Without --data, the images come from the data set that the model was trained on,
which its `model.json` or its preset names.
"""

import dataclasses
import pathlib

from pixelrnn_cli import program
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option, options_in
from pixelrnn_cli.shared_options import SPLITS


@dataclasses.dataclass(frozen=True)
class Options:
    """Model and data to score."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    split: str = option("Split to score.", "test", choices=SPLITS)
    batch_size: int = option("Images per pass.", 100, at_least=1, at_most=100_000)
    data: DataConfig | None = options_in(DataConfig, given_by="data")

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.evaluation.scoring import Evaluator
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.programs import model_files

    model = load_model(options.model)
    data = model_files.images_for(model, options.model, options.data, options.split)
    evaluator = Evaluator(model, options.batch_size)
    score = evaluator.score(data, options.split)
    print(f"{options.split} ({data.split(options.split).name}, binarization {data.binarization}): {score}", flush=True)
    if data.classes:
        print(f"{options.split}: {evaluator.classify(data, options.split)}")
    if len(model.scales()) > 1:
        print(f"{options.split}: {evaluator.by_scale(data, options.split)}")


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
