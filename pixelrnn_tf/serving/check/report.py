"""Run and print all checks of an export: rules, warm-up, and comparison with the network."""

import pathlib

import tensorflow as tf

from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.serving.check.comparison import LIMITS, Measure, compare
from pixelrnn_tf.serving.check.graph_rules import broken_rules
from pixelrnn_tf.serving.check.loader import Loader, LoaderError
from pixelrnn_tf.serving.check.reference import Format, model_reference, own_reference
from pixelrnn_tf.serving.warmup import read_warmup

SHOWN = 3  # Problems of each rule.


def run_warmup(folder: pathlib.Path, loader: Loader) -> list[str]:
    """Run the warm-up requests, as the server does before it reports a model as available; return failures."""
    problems = []
    for request in read_warmup(folder):
        try:
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            loader.run(request.model_spec.signature_name, inputs)
        except LoaderError as error:
            problems.append(f"{request.model_spec.signature_name}: {error}")
    return problems


def print_rules(rules: dict[str, list[str]]) -> bool:
    """Print every rule and its first violations. Return True if there are none."""
    for rule, problems in rules.items():
        print(f"{'FAILED' if problems else 'ok':>6}  {rule}")
        for problem in problems[:SHOWN]:
            print(f"{'':8}{problem}")
        if len(problems) > SHOWN:
            print(f"{'':8}and {len(problems) - SHOWN} more")
    return not any(rules.values())


def print_measures(measures: list[Measure]) -> bool:
    """Print one row per signature and one column per quantity. Return True if all are within their limits."""
    print(f"{'':<17}" + "".join(f"{name:>10}" for name in LIMITS))
    for signature in sorted({item.signature for item in measures}):
        values = {item.quantity: item for item in measures if item.signature == signature}
        cells = [f"{values[name].value:.2g}" if name in values else "-" for name in LIMITS]
        right = all(item.right for item in values.values())
        print(f"{signature:<17}" + "".join(f"{cell:>10}" for cell in cells) + ("" if right else "  FAILED"))
    print(f"{'limit':<17}" + "".join(f"{limit:>10g}" for limit in LIMITS.values()))
    print(
        "scores: relative difference of scores or logits; split: the same, after a batch is split in two; noise:\n"
        "distance of noise from the interval of what it drew; known: known sub-pixels changed; answered: invalid\n"
        "requests that got an answer."
    )
    return all(item.right for item in measures)


def check(folder: pathlib.Path, model: ImageModel | None, batch_sizes: tuple[int, ...]) -> bool:
    """Check a version and print the results. Return True if a server can serve it.

    Args:
        folder: the folder of the version.
        model: the exported network; None to compare the signatures only with each other.
        batch_sizes: batch sizes of the requests.
    """
    if not print_rules(broken_rules(folder)):
        return False
    try:
        with Loader(folder) as loader:
            print(f"{'ok':>6}  it loads ({loader.process})")
            warm = print_rules({"warm-up requests run": run_warmup(folder, loader)})
            return check_answers(loader, Format.of(folder), model, batch_sizes) and warm
    except LoaderError as error:
        return print_rules({"the C++ loader runs it": [str(error)]})


def check_answers(loader: Loader, fmt: Format, model: ImageModel | None, batch_sizes: tuple[int, ...]) -> bool:
    """Compare the answers of an export and print the results. Return True if all are right; arguments as in `check`."""
    reference = model_reference(model, fmt) if model else own_reference(loader)
    beside = "the Keras model" if model else "its own logits"
    print(f"\nBatches of {', '.join(map(str, batch_sizes))}, compared with {beside}:")
    return print_measures(compare(loader, fmt, reference, batch_sizes))
