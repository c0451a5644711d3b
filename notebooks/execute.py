"""Execute notebooks and write them with their pictures: `python notebooks/execute.py [01_draw_score_complete.py ...]`.

A notebook is written as a `.py` file in jupytext's percent format; the `.ipynb` beside it is made of it here, and holds
nothing that changes from run to run but what its cells print.
"""

import os
import pathlib
import subprocess
import sys

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 3600  # Seconds for a cell.


def sources() -> list[pathlib.Path]:
    """The notebooks, in their order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def execute(source: pathlib.Path) -> nbformat.NotebookNode:
    """A notebook with the outputs of its cells, run from top to bottom in a new kernel in its own folder.

    Raises:
        nbclient.exceptions.CellExecutionError: at the first cell that fails.
    """
    notebook = jupytext.read(source)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(HERE.parent)}
    client = NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False)
    client.execute(cwd=str(HERE), env=environment, stderr=subprocess.DEVNULL)
    return without_chance(notebook)


def without_chance(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs from one execution to the next.

    That is names of cells, versions of the kernel, and what libraries say on standard error while they are loaded.
    """
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number:02}", {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def write(notebook: nbformat.NotebookNode, path: pathlib.Path) -> None:
    """Write a notebook beside `path` and rename it into place."""
    beside = path.with_name(f".{path.name}")
    nbformat.write(notebook, beside)
    beside.replace(path)


def main(names: list[str]) -> None:
    for source in [HERE / name for name in names] or sources():
        print(f"{source.name} ...", flush=True)
        write(execute(source), source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
