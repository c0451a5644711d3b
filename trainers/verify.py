"""Verify pretrained networks: `python -m trainers.verify [--model=NAME,...] [--quick]`.

Scores the splits of a preset again, draws the samples of its card from their seed, and compares both with its metadata.
Splits whose images are not available are skipped. Exits with 1 if something differs.
"""

import dataclasses
import sys

from pixelrnn_cli import program
from pixelrnn_cli.flags import check, option


@dataclasses.dataclass(frozen=True)
class Options:
    """Presets to verify."""

    model: tuple[str, ...] = option(
        "Names or directories of presets; by default all with weights.", (), form="names, separated by commas"
    )
    quick: bool = option("Score the first 200 images only.", False)

    def __post_init__(self):
        check(self)


def main(options: Options) -> None:
    from pixelrnn_tf.programs.verifying import verify
    from pixelrnn_tf.zoo import shipped_presets

    differs = False
    for preset in options.model or shipped_presets():
        print(preset, flush=True)
        for finding in verify(preset, options.quick):
            print(f"  {finding}", flush=True)
            differs |= finding.passed is False
    if differs:
        sys.exit("Error: a network is not what its metadata describes.")


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
