"""The range coder of the package `constriction`: levels in, bytes out, in the same order back.

What the package leaves to its caller is settled here: the tables are float64 of whole numbers in C order, the models
are not its "perfect" ones, and what it writes depends on its version, which the file format therefore names. It decodes
levels from any bytes; whether they are right a checksum must tell.
"""

import functools
import importlib.metadata
import types

import numpy as np

from pixelrnn_tf.compression.integer_weights import weights_of

# Streams of constriction change with these two numbers of its version.
CODER_VERSION = (0, 5)


class RangeEncoder:
    """Encodes levels one after the other.

    Raises:
        ImportError: if the package is missing or of another version.
    """

    def __init__(self) -> None:
        stream = _constriction().stream
        self._coder, self._family = stream.queue.RangeEncoder(), stream.model.Categorical(perfect=False)

    def encode(self, levels: np.ndarray, steps: np.ndarray) -> None:
        """Encode more levels.

        Args:
            levels: integers `(number,)`.
            steps: grid steps below the highest logit, `(number, levels)`.
        """
        self._coder.encode(np.ascontiguousarray(levels, "int32"), self._family, _table(steps))

    def payload(self) -> bytes:
        """All that was encoded; a multiple of four bytes."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class RangeDecoder:
    """Decodes a payload of `RangeEncoder`, level by level.

    Args:
        payload: its bytes, a multiple of four.

    Raises:
        ImportError: if the package is missing or of another version.
    """

    def __init__(self, payload: bytes):
        stream = _constriction().stream
        words = np.frombuffer(payload, "<u4").astype("uint32")
        self._coder, self._family = stream.queue.RangeDecoder(words), stream.model.Categorical(perfect=False)

    def decode(self, steps: np.ndarray) -> np.ndarray:
        """The next levels.

        Args:
            steps: as for `RangeEncoder.encode`, `(number, levels)`.

        Returns:
            int32 `(number,)`.

        Raises:
            ValueError: if these bytes cannot have been encoded with these steps, as far as the coder can tell.
        """
        try:
            levels: np.ndarray = self._coder.decode(self._family, _table(steps))
        except AssertionError as error:
            raise ValueError(f"The payload does not belong to these probabilities: {error}") from error
        return levels


def _table(steps: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(weights_of(steps))


@functools.cache
def _constriction() -> types.ModuleType:
    needed = ".".join(map(str, CODER_VERSION))
    install = f"pip install 'constriction=={needed}.*'"
    try:
        import constriction
    except ImportError as error:
        raise ImportError(f"Compression needs the package constriction {needed}: {install}") from error
    found = importlib.metadata.version("constriction")
    if not found.startswith(f"{needed}."):
        raise ImportError(
            f"constriction {found} is installed, whose streams are others than those of constriction {needed}, in "
            f"which files of this format are written: {install}"
        )
    return constriction
