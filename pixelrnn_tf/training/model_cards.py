"""What people read of a published preset, from its metadata alone: its card, and its line in the README's table."""

from collections.abc import Iterable

from pixelrnn_tf.typing import Config

TABLE_HEAD = "| preset | network | weights | data | validation | test | the paper |\n|---|---|---|---|---|---|---|"

PAPER = """@inproceedings{oord2016pixel,
  title={Pixel Recurrent Neural Networks},
  author={van den Oord, A{\\"a}ron and Kalchbrenner, Nal and Kavukcuoglu, Koray},
  booktitle={International Conference on Machine Learning},
  year={2016}
}"""


def card(metadata: Config) -> str:
    """The README.md of a preset directory, in Markdown.

    Args:
        metadata: what `trainers.publish` writes as metadata.json.
    """
    name, network = metadata["name"], metadata["network"]
    kind = network.get("class", "PixelRNN")
    return (
        "\n\n".join(
            [
                f"# {name}",
                metadata["description"],
                f"{network['title']}: {metadata['parameters']:,} weights, images {_shape(metadata)}, "
                f"{network['levels']} levels. Made with pixelrnn_tf {metadata['pixelrnn_tf_version']} and Keras "
                f"{metadata['keras_version']}.",
                "![Images drawn by the network](samples.png)",
                "## Use",
                f'```python\nimport pixelrnn_tf\n\nmodel = pixelrnn_tf.{kind}.from_preset("{name}")\n```',
                "It draws images like those it was trained on, completes images whose first pixels in raster order are "
                "known, and scores images exactly.",
                "**Limits.** It knows one data set, in one size and with one number of levels. Its likelihood says how "
                "probable an image is under that data set; it is no measure of quality, and images of another kind can "
                "score better than those it was trained on. It completes the lower part of an image; pixels below or "
                "to the right of a hidden one are not looked at.",
                f"![{metadata['check']['split'].capitalize()} images, what was known of them, and completions]"
                "(completions.png)",
                "## Data",
                _data(metadata),
                "## Scores",
                _scores(metadata),
                "## Training",
                _training(metadata),
                "![Training loss and validation score over the steps](curve.png)",
                "## Speed",
                _speed(metadata),
                "## Licence",
                f"The weights: Apache-2.0, as pixelrnn_tf. The data: {metadata['data']['licence']}",
                "## Citation",
                f"```bibtex\n{PAPER}\n```",
            ]
        )
        + "\n"
    )


def table(presets: Iterable[Config]) -> str:
    """The table of published presets in Markdown, a line each.

    Args:
        presets: their metadata.
    """
    return "\n".join([TABLE_HEAD, *map(_line, presets)])


def nats_and_error(nats: float, standard_error: float | None) -> str:
    """A mean with its standard error, such as "81.19 ± 0.20"; of a single image there is none."""
    return f"{nats:.2f}" + ("" if standard_error is None else f" ± {standard_error:.2f}")


def _line(metadata: Config) -> str:
    cells = [
        f"[`{metadata['name']}`](pixelrnn_tf/zoo/{metadata['name']}/README.md)",
        metadata["network"]["title"],
        f"{metadata['parameters']:,}",
        metadata["data"]["title"],
        *(_score(metadata, split) for split in ("validation", "test")),
        _paper(metadata) or "",
    ]
    return f"| {' | '.join(cells)} |"


def _score(metadata: Config, split: str) -> str:
    """A score in the unit of the data: nats per image for binary images, bits/dim for others."""
    score = metadata["scores"].get(split)
    if score is None:
        return ""
    given = " given the class" if metadata["network"].get("classes") else ""
    if metadata["network"]["levels"] == 2:
        return f"{score['nats_per_image']:.2f} nats{given}"
    return f"{score['bits_per_dim']:.3f} bits/dim{given}"


def _paper(metadata: Config) -> str | None:
    paper = metadata["paper"]
    return None if paper is None else f"{paper['value']:.2f} {paper['unit'].split(' ')[0]}"


def _shape(metadata: Config) -> str:
    return "x".join(map(str, metadata["network"]["image_shape"]))


def _data(metadata: Config) -> str:
    data = metadata["data"]
    lines = [
        f"{data['title']} (`{data['name']}`). Binarisation: {data['binarization']}.",
        "",
        "| split | what it is | images |",
        "|---|---|---|",
        *(f"| {key} | {split['name']} | {split['images']:,} |" for key, split in data["splits"].items()),
    ]
    return "\n".join(lines)


def _scores(metadata: Config) -> str:
    lines = [
        "Mean negative log-likelihood of whole splits, exact"
        + (", given the class" if metadata["network"].get("classes") else "")
        + "; after ± the standard error over the images.",
        "",
        "| split | nats per image | bits/dim | images |",
        "|---|---|---|---|",
    ]
    for split, score in metadata["scores"].items():
        nats = nats_and_error(score["nats_per_image"], score["standard_error"])
        lines.append(f"| {split} | {nats} | {score['bits_per_dim']:.4f} | {score['images']:,} |")
    for split, found in (metadata.get("classification") or {}).items():
        lines += [
            "",
            f"Of {split} without labels, over all classes: {found['marginal_nats_per_image']:.2f} nats per image; a "
            f"label is worth {found['gain']:.3f} nats, and {found['accuracy']:.2%} of the images are classified right.",
        ]
    for split, terms in (metadata.get("scales") or {}).items():
        (first, *larger), (nats, *more) = (
            ["x".join(map(str, size)) for size in terms["sizes"]],
            terms["nats_per_image"],
        )
        added = [f", {n:.2f} of the pixels that {size} adds, given it" for size, n in zip(larger, more, strict=True)]
        lines += ["", f"Of {split} {nats:.2f} nats are those of the image of {first}{''.join(added)}."]
    paper = metadata["paper"]
    if paper is not None:
        lines += ["", f"The paper reports {paper['value']:.2f} {paper['unit']} on {paper['data']} for this network."]
    return "\n".join(lines)


def _training(metadata: Config) -> str:
    training = metadata["training"]
    hours, minutes = training["seconds"] / 3600, training["seconds"] / 60
    taken = f"{hours:.1f} hours" if hours >= 1 else f"{minutes:.0f} minutes"
    lines = [
        f"{training['steps']:,} steps of {training['batch_size']} images, {taken} without evaluations, seed "
        f"{training['seed']}; the weights are those of step {training['best_step']:,}: {training['selection']}.",
        *([training["remark"]] if training.get("remark") else []),
        "",
        f"```\n{training['command']}\n```",
        "",
        *_stages(training),
        f"Trained by commit {training['commit']}." if training["commit"] else "The commit was not recorded.",
    ]
    return "\n".join(lines)


def _stages(training: Config) -> list[str]:
    """The runs before this one, whose weights it started from."""
    started = training.get("started_from")
    if not started:
        return []
    lines = [
        f"It started from the weights of `{started['source']}`. Its stages, each from the weights of the one before:",
        "",
        "| stage | steps | validation, test (nats per image) | commit | SHA-256 of its weights |",
        "|---|---|---|---|---|",
    ]
    for stage in started.get("stages", []):
        scores = stage.get("scores") or {}
        found = [f"{scores[split]['nats_per_image']:.2f}" for split in ("validation", "test") if split in scores]
        steps = stage.get("best_step", stage.get("steps"))
        counted = "" if steps is None else f"{steps:,} of {stage.get('batch_size', '?')} images"
        digest = f"`{stage['weights_sha256']}`"
        cells = [stage.get("name"), counted, ", ".join(found), stage.get("commit") or "", digest]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    for stage in started.get("stages", []):
        if stage.get("command"):
            lines += ["", f"The command of {stage['name']}:", "", f"```\n{stage['command']}\n```"]
    return [*lines, ""]


def _speed(metadata: Config) -> str:
    speed = metadata["speed"]
    return (
        f"Drawing {speed['images']} images took {speed['draw_over_score']:.1f} times as long as scoring them in one "
        f"pass, with XLA {speed['draw_over_score_xla']:.1f} times (medians of {speed['rounds']} turns on "
        f"{speed['processor']}); a naive sampler takes {speed['sub_pixels']:,} passes."
    )
