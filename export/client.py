"""Score, draw, complete and classify images with a served model.

    python -m export.client score --server=HOST:PORT --model=NAME --images=a.png,b.png
    python -m export.client sample --server=HOST:PORT --model=NAME --out=samples.png --num_images=16
    python -m export.client classify --server=HOST:PORT --model=NAME --images=a.png,b.png
    python -m export.client complete --server=HOST:PORT --model=NAME --images=a.png --mask=lower_half --out=panel.png

Images go in and come out as PNG files. `--protocol` is rest (the default, port 8501) or grpc (port 8500);
`python -m export.client sample --help` lists every flag of a command. From Python, use `pixelrnn_tf.serving.Client`.
"""

import sys
from typing import Any

from pixelrnn_cli import client_options, program

COMMANDS = {
    "score": client_options.ScoreOptions,
    "classify": client_options.ClassifyOptions,
    "sample": client_options.SampleOptions,
    "complete": client_options.CompleteOptions,
}


def run() -> None:
    """Run the command named by the first argument with its flags."""
    command = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
    if command is None and any(argument in program.HELP for argument in sys.argv):
        program.run(print, client_options.ServerOptions, __doc__)  # The shared flags of all commands.
        return
    if command not in COMMANDS:
        usage = f"{'|'.join(COMMANDS)} --server=HOST:PORT --model=NAME ..."
        sys.exit(f"Error: the client requires a command, {usage}; got {command!r}.")

    def main(options: Any) -> None:
        from pixelrnn_tf.programs import client_commands

        getattr(client_commands, command)(options)

    program.run(main, COMMANDS[command], __doc__)


if __name__ == "__main__":
    run()
