"""Errors of files that TensorFlow writes, raised as Python raises its own."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def as_os_error(what: str) -> Iterator[None]:
    """Raise the errors of TensorFlow for files as OSError: its error for a full disk is the one for too little memory.

    Args:
        what: the file, to end the message.

    Raises:
        OSError: if a file cannot be written.
    """
    try:
        yield
    except tf.errors.OpError as error:
        # TensorFlow names its operation and its temporary file, and last the cause.
        cause = error.message.splitlines()[0].rpartition("; ")[2].partition(" [Op")[0]
        raise OSError(f"{cause}, {what}") from error
