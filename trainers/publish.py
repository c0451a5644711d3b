"""Turn a run into a preset: `python -m trainers.publish --workdir=runs/mnist --name=mnist_diagonal_bilstm_1x32`.

Writes a directory for `PixelRNN.from_preset`: the best network of the run, its metadata (metadata.json), its model card
(README.md) and the pictures of the card. A preset of the same name in --out is replaced, unless its folder holds other
files. A run is rejected if it was not scored on full splits.
"""

import dataclasses
import pathlib
import shlex

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """Run to publish, and its description."""

    workdir: pathlib.Path = option("Folder of a finished run.")
    name: str = option("Name of the preset.")
    out: pathlib.Path = option("Folder of the presets.", pathlib.Path("pixelrnn_tf/zoo"))
    description: str = option(
        "Description in one sentence; required unless --name is that of a preset of the package.", ""
    )
    remark: str = option("Remark on the training in one sentence.", "")
    commit: str = option("Commit of the training code.", "")
    data_license: str = option("License of the data; the data sets of the README have a default.", "")
    seed: int = option("Seed of the pictures.", 0, at_least=0, at_most=2**32 - 1)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.programs.publishing import publish
    from pixelrnn_tf.zoo import CONFIG

    replaces = (options.out / options.name / CONFIG).is_file()
    directory = shlex.quote(str(publish(**dataclasses.asdict(options))))
    print(f"{directory}{': replaced the earlier preset' * replaces}", flush=True)


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
