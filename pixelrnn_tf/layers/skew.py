"""Skewing a map so that its diagonals become columns (paper section 3.2, Figure 3)."""

from typing import Any

from keras import ops


def skew(inputs: Any) -> Any:
    """Move row r to the right by r pixels.

    The left neighbour of a pixel and the one above it then lie in the previous column, in the same row and
    in the row above.

    Args:
        inputs: map `(batch, height, width, features)`; height, width and features are static.

    Returns:
        `(batch, height, width + height - 1, features)`, zero where no pixel falls.
    """
    _, height, width, features = inputs.shape
    # With `height` zeros after every row, row r starts r places later in rows that are one place shorter.
    padded = ops.pad(inputs, ((0, 0), (0, 0), (0, height), (0, 0)))
    flat = ops.reshape(padded, (-1, height * (width + height), features))
    return ops.reshape(flat[:, : height * (width + height - 1)], (-1, height, width + height - 1, features))


def unskew(inputs: Any) -> Any:
    """Undo `skew`.

    Args:
        inputs: map `(batch, height, width + height - 1, features)`.

    Returns:
        `(batch, height, width, features)`.
    """
    _, height, columns, features = inputs.shape
    flat = ops.reshape(inputs, (-1, height * columns, features))
    flat = ops.pad(flat, ((0, 0), (0, height), (0, 0)))
    return ops.reshape(flat, (-1, height, columns + 1, features))[:, :, : columns + 1 - height]
