"""How programs end."""

import os
import subprocess
import sys

import pytest

from pixelrnn_cli import program

WITHOUT_LIBRARY = """
from pixelrnn_cli import program
def main(_):
    import no_such_library
program.run(main)
"""


def test_a_missing_library_ends_a_program_in_one_line(programs):
    done = programs.run("-c", WITHOUT_LIBRARY)
    assert (done.returncode, done.stderr) == (1, "Error: No module named 'no_such_library'\n")


OF_THE_COMMAND = "from pixelrnn_cli import command\ncommand.PROGRAMS = {'flags': 'flags'}\ncommand.main()"


@pytest.mark.parametrize("code", ["from trainers import train\ntrain.run()", OF_THE_COMMAND])
def test_help_ends_quietly_if_nobody_reads_it(code):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run([sys.executable, "-c", code, "--help"], stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_without_words_has_some():
    assert program.error_text(ValueError("wrong")) == "wrong"
    assert program.error_text(MemoryError()) == "there is too little memory."
    assert program.error_text(OSError()) == "OSError."
    missing = ModuleNotFoundError("No module named 'grpc'", name="grpc")
    assert program.error_text(missing).endswith(
        "Install the extra `serving`, in the checkout: pip install '.[serving]'."
    )


def test_a_fault_of_the_program_is_a_traceback_and_a_request_to_report_it(programs):
    done = programs.run("-c", "from pixelrnn_cli import program\ndef main(_): {}['key']\nprogram.run(main)")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("Traceback")
    assert lines[-2:] == [
        "KeyError: 'key'",
        "Error: this is a bug. Please report it, with the lines above.",
    ]


QUIET = """
import sys
from pixelrnn_cli import program
def main(_):
    from pixelrnn_tf.progress import Progress
    with Progress("drew", 2) as progress:
        progress.update(2)
    print("caf\\u00e9")
sys.stdout.reconfigure(encoding="ascii")  # As under an old locale.
sys.argv += {flags}
program.run(main)
"""


@pytest.mark.parametrize(("flags", "shown"), [("", "drew 2/2 images in 0:00, 0:00 left\n"), ("--quiet", "")])
def test_quiet_shows_no_progress_and_an_old_locale_prints_what_it_can(flags, shown, programs):
    done = programs.run("-c", QUIET.replace("{flags}", str(flags.split())))
    assert (done.returncode, done.stdout) == (0, f"{shown}caf\\xe9\n")
