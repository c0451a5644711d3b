"""The notebooks that are stored are those of their sources, ran from top to bottom, and say the same when run again."""

import importlib.util
import pathlib
import re

import jupytext
import nbformat
import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
SOURCES = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
every = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def stored(source):
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    """What every code cell printed, but for durations and rates, which no two runs share."""
    texts = ["".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream") for cell in code(notebook)]
    return [re.sub(r"\d[\d.,:]* ?(s|ms|seconds|images/s|min)\b|\d+:\d\d(:\d\d)? left", "TIME", text) for text in texts]


def test_there_is_one_for_every_subject():
    assert [source.stem[:2] for source in SOURCES] == [f"{number:02}" for number in range(1, len(SOURCES) + 1)]
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == [source.stem for source in SOURCES]


@every
def test_the_text_is_that_of_the_source(source):
    cells = [(cell.cell_type, cell.source) for cell in jupytext.read(source).cells]
    assert cells == [(cell.cell_type, cell.source) for cell in stored(source).cells]


@every
def test_every_cell_ran_in_order_and_without_an_error(source):
    cells = code(stored(source))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "there are pictures"


@every
def test_nothing_is_stored_that_changes_from_run_to_run(source):
    notebook = stored(source)
    assert set(notebook.metadata) == {"kernelspec"}
    assert all(not cell.metadata for cell in notebook.cells)
    assert not re.search(r"/(tmp|home|root|work)/", source.with_suffix(".ipynb").read_text())


@pytest.mark.slow
@every
def test_it_prints_the_same_when_it_is_run_again(source):
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    assert printed(execute.execute(source)) == printed(stored(source))
