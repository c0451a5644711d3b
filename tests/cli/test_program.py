"""How programs end."""

import pathlib
import subprocess
import sys

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
