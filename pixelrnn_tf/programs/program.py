"""How a program starts, and how it ends when its user gave it something wrong."""

import importlib
import sys
from collections.abc import Callable

from absl import app, flags, logging

from pixelrnn_tf.programs import environment


def run(main: Callable[[list[str]], None], loads_tensorflow: bool = True) -> None:
    """Run `main` under absl; a wrong flag, file or value ends in one line and exit status 1, not a traceback.

    The environment is set first. A program's module therefore imports nothing that loads TensorFlow: its `main` does.

    Args:
        main: takes the arguments that are no flags.
        loads_tensorflow: load it, without its start-up log, before `main`.
    """
    environment.prepare()

    def guarded(arguments: list[str]) -> None:
        if len(arguments) > 1:
            sys.exit(f"Error: unexpected arguments {arguments[1:]}; flags are written --name=value.")
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.ERROR)  # TensorFlow Datasets tells every file it reads.
        if loads_tensorflow:
            with environment.quiet_loading():
                importlib.import_module("keras")
        try:
            main(arguments)
        except (ValueError, OSError, FloatingPointError) as error:
            sys.exit(f"Error: {error}")

    app.run(guarded)
