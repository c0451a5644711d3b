"""How programs end."""

import os
import pathlib
import subprocess
import sys

import pytest

from pixelrnn_cli import program

ROOT = pathlib.Path(__file__).parents[2]
WITHOUT_LIBRARY = """
from pixelrnn_cli import program
def main(_):
    import no_such_library
program.run(main)
"""


def test_a_missing_library_ends_a_program_in_one_line():
    command = [sys.executable, "-c", WITHOUT_LIBRARY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "Error: No module named 'no_such_library'\n")


def run(code, **environment):
    command = [sys.executable, "-c", f"from pixelrnn_cli import program\n{code}"]
    variables = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=variables, errors="replace"
    )


def test_an_error_without_words_has_some():
    assert program.error_text(ValueError("wrong")) == "wrong"
    assert program.error_text(MemoryError()) == "there is too little memory."
    assert program.error_text(OSError()) == "OSError."
    missing = ModuleNotFoundError("No module named 'grpc'", name="grpc")
    assert program.error_text(missing).endswith(
        "Install the extra `serving`, in the checkout: pip install '.[serving]'."
    )


def test_a_fault_of_the_program_is_a_traceback_and_a_request_to_report_it():
    done = run("def main(_): {}['key']\nprogram.run(main)")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("Traceback")
    assert lines[-2:] == [
        "KeyError: 'key'",
        "Error: this is a bug. Please report it, with the lines above.",
    ]


QUIET = """
def main(_):
    from pixelrnn_tf.progress import Progress
    with Progress("drew", 2) as progress:
        progress.update(2)
    print("caf\\u00e9")
import sys
program.run(main)
"""


@pytest.mark.parametrize(("flags", "shown"), [("", "drew 2/2 images in 0:00, 0:00 left\n"), ("--quiet", "")])
def test_quiet_shows_no_progress_and_an_old_locale_prints_what_it_can(flags, shown):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = run(QUIET.replace("import sys\n", f"import sys\nsys.argv += {flags.split()}\n"), **ascii_only)
    assert (done.returncode, done.stdout) == (0, f"{shown}caf\\xe9\n")
