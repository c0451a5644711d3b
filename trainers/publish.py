"""Make a preset of a finished run: `python -m trainers.publish --workdir=runs/mnist --name=mnist_diagonal_bilstm_1x32`.

Writes a directory that `PixelRNN.from_preset` reads: the best network of the run, what is known of it (metadata.json),
its card (README.md) and the card's pictures. A run whose scores are not those of whole splits is refused.
"""

import dataclasses
import pathlib

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """What to publish, as what."""

    workdir: pathlib.Path = option("Folder of a finished run.")
    name: str = option("Name of the preset.")
    out: pathlib.Path = option("Folder of the presets.", pathlib.Path("pixelrnn_tf/zoo"))
    description: str = option("What it is, in a sentence; by default that of the preset of this name.", "")
    remark: str = option("What else to say of the training, in a sentence.", "")
    commit: str = option("The commit that trained it.", "")
    data_license: str = option("License of the data; known for the data sets of the README.", "")
    seed: int = option("Seed of the pictures.", 0, at_least=0, at_most=2**32 - 1)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.programs.publishing import publish

    print(publish(**dataclasses.asdict(options)), flush=True)


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
