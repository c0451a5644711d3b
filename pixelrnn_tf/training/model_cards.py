"""Model cards and the table of presets in the README, generated from the metadata of presets."""

import json
import re
from collections.abc import Iterable

from pixelrnn_tf.typing import Config

TABLE_HEAD = (
    "| preset | network | parameters | data | validation | test | paper | good for |\n|---|---|---|---|---|---|---|---|"
)
# Names of data sets on the Hugging Face Hub; for others the card has the name of this package.
HUB_DATA = {
    "digits": "scikit-learn digits",
    "tfds:binarized_mnist": "ylecun/mnist",
    "tfds:mnist": "ylecun/mnist",
    "tfds:fashion_mnist": "zalando-datasets/fashion_mnist",
    "tfds:cifar10": "uoft-cs/cifar10",
}
GOOD_FOR = {
    "cifar10_pixel_cnn_4x48": "fast color images",
    "cifar10_pixel_cnn_4x48_classes": "color images by class",
    "cifar10_pixel_cnn_6x48": "earlier color network",
    "cifar10_pixel_cnn_8x48": "best color images",
    "cifar10_small": "comparison with a softmax",
    "digits_diagonal_bilstm": "quick tests, teaching",
    "digits_diagonal_bilstm_classes": "quick tests with classes",
    "digits_pixel_cnn": "quick tests, teaching",
    "digits_row_lstm": "quick tests, teaching",
    "fashion_mnist_background": "likelihood ratios",
    "fashion_mnist_local": "likelihood ratios",
    "fashion_mnist_pixel_cnn": "out-of-distribution detection",
    "fashion_mnist_pixel_cnn_5x48": "best gray images",
    "mnist_diagonal_bilstm_1x32": "fast Diagonal BiLSTM",
    "mnist_diagonal_bilstm_7x16": "the paper's score, compression",
    "mnist_diagonal_bilstm_7x24": "best binary images",
    "mnist_pixel_cnn_15x16": "comparison of blocks",
    "mnist_row_lstm_7x16": "fast training, good scores",
    "mnist_row_lstm_classes": "drawing by class, classification",
    "mnist_row_lstm_scales": "multi-scale drawing",
}
# Why images drawn by a preset look worse than its data.
NOISY_SAMPLES = {
    "fashion_mnist_background": "The samples are noisy because the network was trained on images in which a tenth of "
    "the pixels were replaced by random levels. It is a background network: use it for likelihood ratios, not to draw.",
    "fashion_mnist_local": "The samples show fragments and no whole objects because the network draws each pixel given "
    "only pixels at most four rows and four columns away. It is a background network: use it for likelihood ratios, "
    "not to draw.",
}

PAPER = """@inproceedings{oord2016pixel,
  title={Pixel Recurrent Neural Networks},
  author={van den Oord, A{\\"a}ron and Kalchbrenner, Nal and Kavukcuoglu, Koray},
  booktitle={International Conference on Machine Learning},
  year={2016}
}"""


def card(metadata: Config) -> str:
    """Write the README.md of a preset directory in Markdown, with the YAML head of the Hugging Face Hub.

    Args:
        metadata: the content of the preset's metadata.json, which `trainers.publish` writes.
    """
    name, network = metadata["name"], metadata["network"]
    kind = network.get("class", "PixelRNN")
    return (
        "\n\n".join(
            [
                _front_matter(metadata),
                f"# {name}",
                metadata["description"],
                f"{network['title']}. {metadata['parameters']:,} parameters, {_shape(metadata)} images of "
                f"{network['levels']} levels. Trained with pixelrnn_tf {metadata['pixelrnn_tf_version']} and Keras "
                f"{metadata['keras_version']}.",
                "![Images drawn by the network](samples.png)",
                *([NOISY_SAMPLES[name]] if name in NOISY_SAMPLES else []),
                "## Use",
                f'```python\nimport pixelrnn_tf\n\nmodel = pixelrnn_tf.{kind}.from_preset("{name}")\n```',
                "Draw images, complete images whose first pixels in raster order are known, and compute exact "
                "likelihoods.",
                "**Limits.** The model knows one data set, one image size and one number of levels. Its likelihood is "
                "not a measure of image quality, and images of another kind can have a higher likelihood than the "
                "training images. When you complete an image, each pixel is drawn given the pixels before it in raster "
                "order, so known pixels below it or to its right have no influence.",
                f"![{metadata['check']['split'].capitalize()} images, their known parts, and completions]"
                "(completions.png)",
                "## Data",
                _data(metadata),
                "## Scores",
                _scores(metadata),
                "## Training",
                _training(metadata),
                "![Training loss and validation score by step](curve.png)",
                "## Speed",
                _speed(metadata),
                "## License",
                f"Weights: Apache-2.0, the license of pixelrnn_tf. Data: {metadata['data']['licence']}",
                "## Citation",
                f"```bibtex\n{PAPER}\n```",
            ]
        )
        + "\n"
    )


def _front_matter(metadata: Config) -> str:
    """YAML head for the Hugging Face Hub; strings are written as JSON, which is valid YAML."""
    data = metadata["data"]
    hub = json.dumps(HUB_DATA.get(data["name"], data["name"]))
    given = " given the class" if metadata["network"].get("classes") else ""
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: keras",
        "pipeline_tag: unconditional-image-generation",
        "tags: [pixelrnn_tf, autoregressive, density-estimation]",
        f"datasets: [{hub}]",
        "metrics: [negative_log_likelihood, bits_per_dim]",
        "model-index:",
        f"- name: {json.dumps(metadata['name'])}",
        "  results:",
    ]
    for split, score in metadata["scores"].items():
        lines += [
            "  - task: {type: unconditional-image-generation}",
            f"    dataset: {{name: {json.dumps(data['title'])}, type: {hub}, split: {split}}}",
            "    metrics:",
            "    - type: negative_log_likelihood",
            f"      name: {json.dumps('nats per image' + given)}",
            f"      value: {score['nats_per_image']:.2f}",
            "    - type: bits_per_dim",
            f"      name: {json.dumps('bits/dim' + given)}",
            f"      value: {score['bits_per_dim']:.4f}",
        ]
    return "\n".join([*lines, "---"])


def table(presets: Iterable[Config]) -> str:
    """Write the table of presets in Markdown, one row each.

    Args:
        presets: the content of each metadata.json.
    """
    return "\n".join([TABLE_HEAD, *map(_line, presets)])


def nats_and_error(nats: float, standard_error: float | None) -> str:
    """Format a mean with its standard error, such as "81.19 ± 0.20"; a single image has no standard error."""
    return f"{nats:.2f}" + ("" if standard_error is None else f" ± {standard_error:.2f}")


def _line(metadata: Config) -> str:
    cells = [
        f"[`{metadata['name']}`](pixelrnn_tf/zoo/{metadata['name']}/README.md)",
        metadata["network"]["title"],
        f"{metadata['parameters']:,}",
        metadata["data"]["title"],
        *(_score(metadata, split) for split in ("validation", "test")),
        _paper(metadata) or "",
        GOOD_FOR.get(metadata["name"], ""),
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
        f"{data['title']} (`{data['name']}`). Binarization: {data['binarization']}.",
        "",
        "| split | source | images |",
        "|---|---|---|",
        *(f"| {key} | {split['name']} | {split['images']:,} |" for key, split in data["splits"].items()),
    ]
    return "\n".join(lines)


def _scores(metadata: Config) -> str:
    lines = [
        "Exact mean negative log-likelihood over the full split"
        + (", given the class" if metadata["network"].get("classes") else "")
        + ", with the standard error over the images after ±.",
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
            f"Without labels, summed over all classes, {split} scores {found['marginal_nats_per_image']:.2f} nats per "
            f"image: {_worth_of_label(found['gain'])} Classification accuracy: {found['accuracy']:.2%}.",
        ]
    for split, terms in (metadata.get("scales") or {}).items():
        (first, *larger), (nats, *more) = (
            ["x".join(map(str, size)) for size in terms["sizes"]],
            terms["nats_per_image"],
        )
        added = [f", and the remaining pixels of {s} for {n:.2f}" for s, n in zip(larger, more, strict=True)]
        lines += ["", f"On {split}, the {first} image accounts for {nats:.2f} nats{''.join(added)}."]
    paper = metadata["paper"]
    if paper is not None:
        lines += ["", f"The paper's network of this kind has {paper['value']:.2f} {paper['unit']} on {paper['data']}."]
    return "\n".join(lines)


def _worth_of_label(gain: float) -> str:
    """Sentence on the nats that the score gains given the class."""
    if gain >= 0:
        return f"a label is worth {gain:.3f} nats."
    return (
        f"given the class, the score is {-gain:.3f} nats worse. The likelihoods of the classes differ too much, so the "
        "network is too sure of a class."
    )


def _training(metadata: Config) -> str:
    training = metadata["training"]
    taken = _duration(training["seconds"])
    if "processor_seconds" in training:
        taken += f" ({_duration(training['processor_seconds'])} of processor time)"
    without = re.search(r"-(ema|average)_decay[= ]0(\.0*)?(\s|$)", training["command"])
    averaged = "those" if without else "the moving average"
    lines = [
        f"{training['steps']:,} steps of {training['batch_size']} images, {taken} without evaluations, seed "
        f"{training['seed']}. The weights are {averaged} at step {training['best_step']:,}: {training['selection']}.",
        *([training["remark"]] if training.get("remark") else []),
        "",
        f"```\n{training['command']}\n```",
        "",
        *_first_evaluations(training),
        *_stages(metadata),
        f"Trained by commit {training['commit']}." if training["commit"] else "No commit recorded.",
    ]
    return "\n".join(lines)


def _first_evaluations(training: Config) -> list[str]:
    """Line with the first evaluations of the curve, for comparison; none without a curve."""
    points = [f"{point['nats_per_image']:.2f} at step {point['step']:,}" for point in training.get("curve", [])[:2]]
    return [f"The first evaluations gave {' and '.join(points)}, in nats per image.", ""] if points else []


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"


def _stages(metadata: Config) -> list[str]:
    """Describe the earlier training stages."""
    started, whole = metadata["training"].get("started_from"), metadata["scores"]
    if not started:
        return []
    lines = [
        f"Training started from the weights of `{started['source']}`. Each stage below starts from the previous one:",
        "",
        "| stage | steps | validation, test (nats per image) | commit | SHA-256 of its weights |",
        "|---|---|---|---|---|",
    ]
    for stage in started.get("stages", []):
        scores = stage.get("scores") or {}
        found = [_nats(scores[split], whole.get(split)) for split in ("validation", "test") if split in scores]
        steps = stage.get("best_step", stage.get("steps"))
        counted = "" if steps is None else f"{steps:,} of {stage.get('batch_size', '?')} images"
        digest = f"`{stage['weights_sha256']}`"
        cells = [stage.get("name"), counted, ", ".join(found), stage.get("commit") or "", digest]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    for stage in started.get("stages", []):
        if stage.get("command"):
            lines += ["", f"Command of {stage['name']}:", "", f"```\n{stage['command']}\n```"]
    return [*lines, ""]


def _nats(score: Config, whole: Config | None) -> str:
    """The score of an earlier stage; one that was stopped by hand has scored only the first images of a split."""
    images, all_images = score.get("images"), (whole or {}).get("images")
    return f"{score['nats_per_image']:.2f}" + (f" of the first {images:,} images" if images != all_images else "")


def _speed(metadata: Config) -> str:
    speed = metadata["speed"]
    return (
        f"Drawing {speed['images']} images took {speed['draw_over_score']:.1f} times as long as scoring them in one "
        f"pass, with XLA {speed['draw_over_score_xla']:.1f} times (medians of {speed['rounds']} runs on "
        f"{speed['processor']}). A naive sampler needs {speed['sub_pixels']:,} passes."
    )
