"""Regenerate the model cards, the README's table and docs/curves.png.

Usage: `python -m pixelrnn_tf.programs.regenerate_cards`.
"""

import pathlib

from pixelrnn_tf import zoo
from pixelrnn_tf.models import preset_files
from pixelrnn_tf.training import model_cards
from pixelrnn_tf.training.learning_curve import write_score_curves

BEGIN, END = "<!-- generated from the metadata", "\n<!-- end -->"


def readme_with_table(readme: str, table: str) -> str:
    """Replace the table between the two comments of the README."""
    before, begin, rest = readme.partition(BEGIN)
    comment, after = rest.partition("\n")[0], rest.partition(END)[2]
    return f"{before}{begin}{comment}\n{table}{END}{after}"


def main() -> None:
    """Write all cards of `pixelrnn_tf/zoo` from their metadata.json, and the pages in this folder."""
    presets = [preset_files.read_metadata(zoo.DIRECTORY / name) for name in zoo.shipped_presets()]
    for metadata in presets:
        (zoo.DIRECTORY / metadata["name"] / "README.md").write_text(model_cards.card(metadata))
    readme = pathlib.Path("README.md")
    readme.write_text(readme_with_table(readme.read_text(), model_cards.table(presets)))
    write_score_curves(presets, "docs/curves.png")


if __name__ == "__main__":
    main()
