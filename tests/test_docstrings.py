"""The examples in the docstrings of the library run, and give what they say."""

import doctest
import importlib
import pathlib

import keras
import numpy as np
import pytest

from tests.support.import_graph import read_modules

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
