"""The imports of a tree of packages, read from the source: who imports whom, where, and in which circles."""

import ast
import dataclasses
import pathlib
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Import:
    """One import.

    Attributes:
        importer: the module it stands in.
        imported: the module it names, as far down as there is a file for it in the tree.
        at_start: whether it is executed when the importer is: it stands in no function and under no `TYPE_CHECKING`.
    """

    importer: str
    imported: str
    at_start: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


def read_modules(root: pathlib.Path, packages: tuple[str, ...]) -> dict[str, pathlib.Path]:
    """Names and paths of all modules of some packages in a folder; a package is named like its folder."""
    modules = {}
    for path in sorted(path for package in packages for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def read_imports(modules: dict[str, pathlib.Path]) -> list[Import]:
    """Every import of every module, those in functions and for type checkers too."""
    found = []
    for name, path in modules.items():
        is_package = path.name == "__init__.py"
        for node, at_start in _import_nodes(ast.parse(path.read_text()), True):
            found += [Import(name, target, at_start) for target in _targets(node, name, is_package, modules)]
    return list(dict.fromkeys(found))


def _import_nodes(node: ast.AST, at_start: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, at_start
    is_type_checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    if is_type_checking or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        at_start = False
    for child in ast.iter_child_nodes(node):
        yield from _import_nodes(child, at_start)


def _targets(node: ast.Import | ast.ImportFrom, importer: str, is_package: bool, modules: dict) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = importer.split(".")
    if node.level:
        package = package[: len(package) - node.level + is_package]
    base = ".".join([*(package if node.level else []), *([node.module] if node.module else [])])
    for alias in node.names:
        submodule = f"{base}.{alias.name}"
        yield submodule if submodule in modules else base


def circles(imports: list[Import]) -> list[list[str]]:
    """Every set of modules that import each other, directly or over others, sorted.

    A package whose `__init__` imports a module that imports the package is one too.
    """
    graph: dict[str, set[str]] = {}
    for edge in imports:
        graph.setdefault(edge.importer, set()).add(edge.imported)
    reached = {name: _reachable(name, graph) for name in graph}
    together = {
        frozenset(other for other in reached[name] if name in reached.get(other, ()))
        for name in graph
        if name in reached[name]
    }
    return sorted(sorted(circle) for circle in together)


def _reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    """What is imported from `start` on, in one step or more."""
    found: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.get(name, ())
    return found


def loaded_with(module: str, imports: list[Import]) -> set[str]:
    """All that is imported when a module is: what it imports at its start, the packages around that, and so on."""
    graph: dict[str, set[str]] = {}
    for edge in imports:
        for name in (edge.importer, edge.imported):
            graph.setdefault(name, set()).update(_packages_around(name))
        if edge.at_start:
            graph[edge.importer].add(edge.imported)
    return _reachable(module, graph)


def _packages_around(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:k]) for k in range(1, len(parts))]
