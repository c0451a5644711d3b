"""How a program starts, and how it ends when its user gave it something wrong."""

import sys
from collections.abc import Callable

from absl import app, flags, logging


def run(main: Callable[[list[str]], None]) -> None:
    """Run `main` under absl; a wrong flag, file or value ends in one line and exit status 1, not a traceback."""

    def guarded(arguments: list[str]) -> None:
        if len(arguments) > 1:
            sys.exit(f"Error: unexpected arguments {arguments[1:]}; flags are written --name=value.")
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.ERROR)  # TensorFlow Datasets tells every file it reads.
        try:
            main(arguments)
        except (ValueError, OSError, FloatingPointError) as error:
            sys.exit(f"Error: {error}")

    app.run(guarded)
