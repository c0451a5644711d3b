"""Start of programs, and their exit on user errors."""

import importlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from absl import app, logging
from absl import flags as absl_flags

from pixelrnn_cli import environment, flags

# Packages of the extras, which `pip install .` leaves out.
EXTRAS = {
    "grpc": "serving",
    "starlette": "demo",
    "tensorflow_serving": "serving",
    "urllib3": "serving",
    "uvicorn": "demo",
    "matplotlib": "training",
    "tensorboard": "training",
}
HELP = ("--help", "-help", "-h", "--helpshort", "-helpshort")


def run(main: Callable[[Any], None], options: type | None = None, description: str | None = None) -> None:
    """Run `main` under absl; an invalid flag, file or value exits with one line and status 1, without a traceback.

    A keyboard interrupt exits with status 130 and no message. Any other exception is a bug: its traceback is printed,
    and the user is asked to report it.

    The environment is set and the flags are read before Keras is imported. The module of a program therefore imports
    `pixelrnn_tf` only inside `main`.

    Args:
        main: function of the value of `options`; without `options`, of the arguments that are not flags.
        options: a dataclass of `pixelrnn_cli.flags.option` fields, whose flags are defined here.
        description: text above the flags in --help; by default the docstring of `main`'s module.
    """
    environment.prepare()
    if options:
        flags.define(options)
        if any(argument in HELP for argument in sys.argv[1:]):
            text = description or sys.modules[main.__module__].__doc__ or ""
            print_help(f"{text.strip()}\n\n{flags.help_text(options)}\n\n  --[no]quiet\n      Show no progress.")
            return

    def guarded(arguments: list[str]) -> None:
        if len(arguments) > 1:
            sys.exit(f"Error: unexpected arguments {arguments[1:]}; flags are written --name=value.")
        if not absl_flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.ERROR)  # TensorFlow Datasets logs every file it reads.
        # File names need not be valid text, and an old locale may only support ASCII.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            value = flags.read(options) if options else arguments
            with environment.quiet_loading():
                importlib.import_module("keras")
                progress = importlib.import_module("pixelrnn_tf.progress")
            progress.set_quiet(absl_flags.FLAGS.quiet)
            main(value)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ignore further interrupts while exiting.
            sys.exit(130)
        except (ValueError, OSError, ImportError, FloatingPointError, MemoryError, NotImplementedError) as error:
            sys.exit(f"Error: {error_text(error)}")
        except Exception:
            traceback.print_exc()
            sys.exit("Error: this is a bug. Please report it, with the lines above.")

    absl_flags.DEFINE_boolean("quiet", False, "Show no progress.")
    app.run(guarded, flags_parser=_parse)


def print_help(text: str) -> None:
    """Print text, of which the reader may take only the beginning, as `head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # At exit Python would write the rest, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def error_text(error: BaseException) -> str:
    """Message of an exception, or its type if it has none; of a missing package, the extra that installs it."""
    extra = EXTRAS.get((error.name or "").partition(".")[0]) if isinstance(error, ImportError) else None
    if extra:
        return f"{error}. Install the extra `{extra}`, in the checkout: pip install '.[{extra}]'."
    if str(error).strip():
        return str(error)
    return "there is too little memory." if isinstance(error, MemoryError) else f"{type(error).__name__}."


def _parse(arguments: list[str]) -> list[str]:
    """Parse the flags, and return the remaining arguments."""
    try:
        return absl_flags.FLAGS(arguments)
    except absl_flags.Error as error:
        problem = " ".join(str(error).split()).removesuffix(".")
        sys.exit(f"Error: {problem}. --help lists the flags.")
