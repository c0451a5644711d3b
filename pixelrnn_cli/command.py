"""Console command `pixelrnn`, which runs every program."""

import importlib
import sys

from pixelrnn_cli import program

PROGRAMS = {
    "train": "trainers.train",
    "evaluate": "trainers.evaluate",
    "sample": "trainers.sample",
    "complete": "trainers.complete",
    "compress": "trainers.compress",
    "decompress": "trainers.decompress",
    "surprise": "trainers.surprise",
    "ood": "trainers.ood",
    "publish": "trainers.publish",
    "verify": "trainers.verify",
    "export": "export.saved_model",
    "check": "export.check",
    "serving_config": "export.serving_config",
    "client": "export.client",
    "demo": "export.demo",
}


def call(name: str) -> str:
    """Return how to call a program, in the way that the running one was called."""
    return f"pixelrnn {name}" if sys.argv[0].startswith("pixelrnn ") else f"python -m {PROGRAMS[name]}"


def main() -> None:
    """Run the program named by the first argument with the remaining arguments."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in program.HELP:
        lines = ["usage: pixelrnn PROGRAM --flag=value ...\n"]
        lines.append("Programs (pixelrnn PROGRAM --help lists the flags of one):")
        for known, module in PROGRAMS.items():
            text = importlib.import_module(f"pixelrnn_cli.{module}").__doc__ or ""
            lines.append(f"  {known:16}{text.splitlines()[0].split(': `')[0].rstrip('.')}")
        program.print_help("\n".join(lines))
        return
    if name not in PROGRAMS:
        sys.exit(f"Error: there is no program {name!r}. pixelrnn takes one of: {', '.join(PROGRAMS)}.")
    sys.argv = [f"pixelrnn {name}", *sys.argv[2:]]
    importlib.import_module(f"pixelrnn_cli.{PROGRAMS[name]}").run()
