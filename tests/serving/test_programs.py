"""How the programs start."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = ("saved_model", "check", "serving_config", "client", "demo")


def test_no_program_waits_for_tensorflow_before_it_knows_what_to_do():
    imports = ", ".join(f"export.{name}" for name in PROGRAMS)
    code = f"import sys, {imports}; print(*[name for name in ('tensorflow', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (done.stdout, done.stderr) == ("\n", "")
