"""Say whether TensorFlow Serving will take an export: `python -m export.check --model_dir=BASE/NAME/1 [--model=PATH]`.

Reads the graphs for what a server cannot or should not run. Then runs every signature, and the warm-up requests,
through the C++ loader that the server uses, in a process of its own: a C++ program without Python where there is
a C++ compiler, else one with XLA disabled. With --model, everything is compared with that `.keras` model;
without, with the export's own logits. Exit status 0 if all is right, and 1 if not.
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf
from absl import flags

from export.comparison import LIMITS, Format, Measure, Reference, compare
from export.lint import lint, read_warmup
from export.loader import Loader, LoaderError
from export.saved_model import in_float32
from export.versions import version_dir
from pixelrnn_tf.models import PixelRNN
from pixelrnn_tf.programs import model_files, program

FLAGS = flags.FLAGS


def model_reference(model: PixelRNN, fmt: Format) -> Reference:
    """A Keras model, in float32, as what an export is compared with.

    Raises:
        ValueError: if the export takes other images than the model.
    """
    own = Format(model.image_shape, model.levels, model.condition_features)
    if own != fmt:
        raise ValueError(f"The export is of another model: it is {fmt}, the model given is {own}.")
    model = in_float32(model)
    run = tf.function(
        lambda images, condition: model(images if condition is None else [images, condition]), reduce_retracing=True
    )
    return Reference(lambda *rows: run(*(None if x is None else tf.constant(x) for x in rows)).numpy())


def own_reference(loader: Loader) -> Reference:
    """The `logits` signature of an export as what its other signatures are compared with."""

    def run(images, condition):
        inputs = {"images": images} | ({} if condition is None else {"condition": condition})
        return loader.run("logits", inputs)["logits"]

    return Reference(run)


def run_warmup(folder: pathlib.Path, loader: Loader) -> list[str]:
    """Run the warm-up requests as the server does before it says that a model is available; what failed."""
    problems = []
    for record in read_warmup(folder):
        request = record.predict_log.request
        try:
            inputs = {name: np.asarray(tf.make_ndarray(value)) for name, value in request.inputs.items()}
            loader.run(request.model_spec.signature_name, inputs)
        except LoaderError as error:
            problems.append(f"{request.model_spec.signature_name}: {error}")
    return problems


def print_rules(rules: dict[str, list[str]], shown: int = 3) -> bool:
    """Print every rule and its first problems. Returns whether there are none."""
    for rule, problems in rules.items():
        print(f"{'FAILED' if problems else 'ok':>6}  {rule}")
        for problem in problems[:shown]:
            print(f"{'':8}{problem}")
        if len(problems) > shown:
            print(f"{'':8}and {len(problems) - shown} more")
    return not any(rules.values())


def print_measures(measures: list[Measure]) -> bool:
    """Print a row per signature and a column per quantity. Returns whether all is right."""
    print(f"{'':<17}" + "".join(f"{name:>10}" for name in LIMITS))
    for signature in sorted({item.signature for item in measures}):
        values = {item.quantity: item for item in measures if item.signature == signature}
        cells = [f"{values[name].value:.2g}" if name in values else "-" for name in LIMITS]
        right = all(item.right for item in values.values())
        print(f"{signature:<17}" + "".join(f"{cell:>10}" for cell in cells) + ("" if right else "  FAILED"))
    print(f"{'limit':<17}" + "".join(f"{limit:>10g}" for limit in LIMITS.values()))
    print(
        "scores: relative difference of scores or logits; split: the same, after a batch is split in two; noise: how\n"
        "far noise lies outside the interval of what it drew; known: known sub-pixels changed; answered: wrong\n"
        "requests that got an answer."
    )
    return all(item.right for item in measures)


def check(folder: pathlib.Path, model: PixelRNN | None, batch_sizes: tuple[int, ...]) -> bool:
    """Print all that was checked of a version. Returns whether a server will take it.

    Args:
        folder: the folder of the version.
        model: the network it was exported from; None to compare the signatures with each other alone.
        batch_sizes: of the requests.
    """
    if not print_rules(lint(folder)):
        return False
    try:
        with Loader(folder) as loader:
            print(f"{'ok':>6}  it loads ({loader.process})")
            right = print_rules({"warm-up requests run": run_warmup(folder, loader)})
            fmt = Format.of(folder)
            reference = model_reference(model, fmt) if model else own_reference(loader)
            beside = "the Keras model" if model else "its own logits"
            print(f"\nBatches of {', '.join(map(str, batch_sizes))}, beside {beside}:")
            return print_measures(compare(loader, fmt, reference, batch_sizes)) and right
    except LoaderError as error:
        return print_rules({"the C++ loader runs it": [str(error)]})


def main(_: list[str]) -> None:
    folder = version_dir(FLAGS.model_dir)
    model = model_files.load_model(FLAGS.model) if FLAGS.model else None
    sizes = tuple(int(size) for size in FLAGS.batch_sizes if size.isdigit() and int(size) > 0)
    if len(sizes) != len(FLAGS.batch_sizes):
        raise ValueError(f"--batch_sizes must be positive integers, got {','.join(FLAGS.batch_sizes)}.")
    right = check(folder, model, sizes)
    print(f"\n{folder}: {'a server will take it.' if right else 'NOT fit to be served.'}")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    flags.DEFINE_string("model_dir", None, "BASE/NAME/VERSION, or BASE/NAME for its newest version.", required=True)
    flags.DEFINE_string("model", None, "The .keras file it was exported from.")
    flags.DEFINE_list("batch_sizes", ["1", "3", "64"], "Rows of the requests.")
    program.run(main)
