"""Python version of `check_loader.cc`, for machines without a C++ compiler.

Start it with `python -m pixelrnn_tf.serving.check.python_loader FOLDER`.

The same C++ session runs the same graphs, with XLA disabled as in the server. But the process contains Python and more
operations, so a graph that needs Python is not detected.
"""

import ctypes
import pathlib
import sys
import time

import tensorflow as tf

from pixelrnn_tf.serving.check.tensor_pipes import read_tensor, write_tensor


def disable_xla() -> None:
    """Disable XLA, as the server does before it loads a model."""
    library = pathlib.Path(tf.sysconfig.get_lib()) / "libtensorflow_cc.so.2"
    ctypes.CDLL(str(library))._ZN10tensorflow21DisableXlaCompilationEv()


def serve(session: tf.compat.v1.Session) -> None:
    """Answer requests from standard input until it ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while line := source.readline():
        _, inputs, outputs = line.decode().split()
        feeds = dict(read_tensor(source) for _ in range(int(inputs)))
        names = [source.readline().decode().strip() for _ in range(int(outputs))]
        start = time.perf_counter()
        try:
            values = session.run(names, feeds)
        except (tf.errors.OpError, ValueError, TypeError, KeyError) as error:
            message = str(error).encode()
            sink.write(b"error %d %d\n" % (getattr(error, "error_code", 3), len(message)) + message)
        else:
            sink.write(b"ok %.9f %d\n" % (time.perf_counter() - start, len(names)))
            for name, value in zip(names, values, strict=True):
                write_tensor(sink, name, value)
        sink.flush()


def main() -> None:
    disable_xla()
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
        sys.stdout.buffer.write(b"ready\n")
        sys.stdout.buffer.flush()
        serve(session)


if __name__ == "__main__":
    main()
