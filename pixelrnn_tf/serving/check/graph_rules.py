"""Static rules for a SavedModel that TensorFlow Serving can and should serve."""

import pathlib
import re
from collections.abc import Iterator
from typing import Any

from pixelrnn_tf.serving.saved_model_protos import read_meta_graph, serving_signatures
from pixelrnn_tf.serving.warmup import read_warmup

EXPECTED_SIGNATURES = ("score", "serving_default", "logits", "sample", "complete")
PREDICT = "tensorflow/serving/predict"
MAX_WARMUP_RECORDS = 1000  # The server does not load models with more.

_PYTHON = re.compile(r"(Eager)?PyFunc(Stateless)?$")
_RANDOM = re.compile(
    r"Random(?!GammaGrad|IndexShuffle)|Stateful(?!PartitionedCall)|Rng|(Parameterized)?TruncatedNormal|Multinomial"
    r"|NonDeterministicInts|Anonymous(Random)?SeedGenerator|SampleDistortedBoundingBox"
)
_XLA = re.compile(r"_?Xla")
_WRITE = re.compile(r"Assign\w*VariableOp$|ResourceScatter|Assign(Add|Sub)?$|Scatter(Add|Sub|Update)$")


def broken_rules(folder: pathlib.Path) -> dict[str, list[str]]:
    """Check all rules; the result has the violations of each, an empty list if there are none.

    Args:
        folder: the folder of a version.

    Raises:
        ValueError: if there is no SavedModel in it.
    """
    graph = read_meta_graph(folder)
    tags = list(graph.meta_info_def.tags)
    return {
        "the folder's name is a number": [] if folder.resolve().name.isdigit() else [folder.resolve().name],
        'the tag set is {"serve"}': [] if tags == ["serve"] else [", ".join(tags)],
        "every signature is there": [name for name in EXPECTED_SIGNATURES if name not in graph.signature_def],
        "signatures are for predict": list(_other_methods(graph)),
        "inputs and outputs have names": list(_unnamed(graph)),
        "dimension 0 is the batch": list(_without_batch(graph)),
        "no Python function": list(_operations(graph, _PYTHON)),
        "no stateful randomness": list(_operations(graph, _RANDOM)),
        "no XLA-only operation": list(_operations(graph, _XLA)),
        "no function that XLA must compile": list(_must_compile(graph)),
        "requests change no variable": list(_writes(graph)),
        "warm-up requests fit": list(_warmup_problems(folder, graph)),
    }


def _other_methods(graph: Any) -> Iterator[str]:
    for name, signature in serving_signatures(graph).items():
        if signature.method_name != PREDICT:
            yield f"{name}: {signature.method_name!r}"


def _tensors(graph: Any) -> Iterator[tuple[str, str, Any]]:
    """Iterate over inputs and outputs: location, name and `TensorInfo`."""
    for name, signature in serving_signatures(graph).items():
        for kind, infos in (("input", signature.inputs), ("output", signature.outputs)):
            for key, info in infos.items():
                yield f"{name}, {kind} {key}", key, info


def _unnamed(graph: Any) -> Iterator[str]:
    """Find tensors with names that TensorFlow made up."""
    for place, name, _ in _tensors(graph):
        if re.fullmatch(r"output_\d+|args_\d+(_\d+)*|inputs(_\d+)*|unknown(_\d+)*", name):
            yield place


def _without_batch(graph: Any) -> Iterator[str]:
    for place, _, info in _tensors(graph):
        shape = info.tensor_shape
        if shape.unknown_rank or not shape.dim or shape.dim[0].size != -1:
            sizes = "unknown" if shape.unknown_rank else [dim.size for dim in shape.dim]
            yield f"{place}: shape {sizes}"


def _nodes(graph: Any) -> Iterator[tuple[str, Any]]:
    """Iterate over the nodes of the graph and its library, each with the function that contains it."""
    yield from (("graph", node) for node in graph.graph_def.node)
    for function in graph.graph_def.library.function:
        yield from ((function.signature.name, node) for node in function.node_def)


def _operations(graph: Any, pattern: re.Pattern) -> Iterator[str]:
    for place, node in _nodes(graph):
        if pattern.match(node.op):
            yield f"{node.op} {node.name} in {place}"


def _must_compile(graph: Any) -> Iterator[str]:
    marks = ("_XlaMustCompile", "_XlaCompile", "jit_compile")
    for function in graph.graph_def.library.function:
        if any(function.attr[mark].b for mark in marks if mark in function.attr):
            yield function.signature.name
    for place, node in _nodes(graph):
        if any(node.attr[mark].b for mark in marks if mark in node.attr):
            yield f"{node.name} in {place}"


def _writes(graph: Any) -> Iterator[str]:
    """Find nodes that change a variable, such as the state of a Keras SeedGenerator, in requests.

    Restoring writes variables too, so only nodes that a request runs are checked.
    """
    library = {function.signature.name: function.node_def for function in graph.graph_def.library.function}
    for place, node in _behind(_behind_signatures(graph), library):
        if _WRITE.match(node.op):
            yield f"{node.op} {node.name} in {place}"


def _behind_signatures(graph: Any) -> list[Any]:
    """Nodes of the outer graph that the outputs of the signatures depend on."""
    nodes = {node.name: node for node in graph.graph_def.node}
    names = [
        output.name.rsplit(":")[0] for value in serving_signatures(graph).values() for output in value.outputs.values()
    ]
    seen = {}
    while names:
        name = names.pop()
        if name in nodes and name not in seen:
            seen[name] = nodes[name]
            names += [source.lstrip("^").split(":")[0] for source in nodes[name].input]
    return list(seen.values())


def _behind(nodes: list[Any], library: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Iterate over nodes and those of all functions that they call."""
    places: list[tuple[str, Any]] = [("graph", nodes)]
    seen: set[str] = set()
    while places:
        place, nodes = places.pop()
        for node in nodes:
            yield place, node
            for value in node.attr.values():
                called = {value.func.name, *(function.name for function in value.list.func)} & library.keys()
                places += [(name, library[name]) for name in called - seen]
                seen |= called


def _warmup_problems(folder: pathlib.Path, graph: Any) -> Iterator[str]:
    try:
        requests = read_warmup(folder)
    except ValueError as error:
        yield str(error)
        return
    if len(requests) > MAX_WARMUP_RECORDS:
        yield f"{len(requests)} records; the server takes {MAX_WARMUP_RECORDS}"
    signatures = serving_signatures(graph)
    yield from (
        f"no request for {name}" for name in signatures.keys() - {r.model_spec.signature_name for r in requests}
    )
    for request in requests:
        name = request.model_spec.signature_name
        if name not in signatures or set(request.inputs) != set(signatures[name].inputs):
            yield f"a request for {name!r} with the inputs {sorted(request.inputs)}"
