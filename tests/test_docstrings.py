"""Docstrings: their examples run, and they, comments and messages are written for readers."""

import ast
import doctest
import importlib
import io
import pathlib
import re
import tokenize

import keras
import numpy as np
import pytest

from tests.support.import_graph import read_modules
from tests.support.words import BRITISH, CLAUSE, PHRASES

ROOT = pathlib.Path(__file__).parents[1]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What every example may use besides the names of its own module.
NAMES = {"keras": keras, "np": np}


def with_examples(modules):
    return [name for name, path in modules.items() if ">>>" in path.read_text()]


@pytest.mark.parametrize("name", with_examples(read_modules(ROOT, ("pixelrnn_tf",))))
def test_examples_run(name):
    failed, run = doctest.testmod(importlib.import_module(name), extraglobs=NAMES, optionflags=OPTIONS)
    assert run > 0
    assert failed == 0, "doctest has printed what was expected and what came"


SOURCES = [
    path
    for package in ("pixelrnn_tf", "pixelrnn_cli", "trainers", "export", "benchmarks")
    for path in sorted((ROOT / package).rglob("*.py"))
]
# A key of metadata.json, and an earlier value of a flag.
EARLIER_SPELLING = ('"licence"', "'licence'", '"centre"')


def docstrings(tree):
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return [text for node in ast.walk(tree) if isinstance(node, kinds) and (text := ast.get_docstring(node))]


SECTION = re.compile(r"(.*\S.*)\n? *(Args|Returns|Yields|Raises|Attributes|Call arguments|Output shape|Example):\n")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sections_stand_alone(path):
    """A section without a blank line before it is rendered as prose."""
    assert [match.group() for text in docstrings(ast.parse(path.read_text())) for match in SECTION.finditer(text)] == []


def texts(source):
    """Comments and strings of a module, without quoted names and the fields of f-strings."""
    kinds = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            yield re.sub(r"`[^`]*`|\{[^{}]*\}", " ", token.string)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_words_of_the_source(path):
    source = path.read_text()
    lines = [text.splitlines()[0] for text in docstrings(ast.parse(source))]
    assert [line for line in lines if CLAUSE.match(line)] == []
    assert [match.group() for text in texts(source) for match in PHRASES.finditer(text)] == []
    for allowed in EARLIER_SPELLING:
        source = source.replace(allowed, "")
    assert [match.group() for match in BRITISH.finditer(source)] == []
