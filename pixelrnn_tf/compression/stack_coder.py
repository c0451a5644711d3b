"""The asymmetric numeral systems of the package `constriction`, a stack: what goes in last comes out first.

Its range coder, a queue, loses about 1.2e-4 bits a level, what is left over when it cuts its range into 2^24 equal
parts. Of binary images, most of whose levels cost far less than a hundredth of a bit, that is a tenth of a percent.

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


class StackEncoder:
    """Encodes levels, the last ones first.

    Raises:
        ImportError: if the package is missing or of another version.
    """

    def __init__(self) -> None:
        stream = _constriction().stream
        self._coder, self._family = stream.stack.AnsCoder(), stream.model.Categorical(perfect=False)

    def push(self, levels: np.ndarray, steps: np.ndarray) -> None:
        """Encode levels that are to be decoded before those that were encoded so far.

        Args:
            levels: integers `(number,)`, in the order in which they are to be decoded.
            steps: grid steps below the highest logit, `(number, levels)`. A single level takes no bits.
        """
        if steps.shape[1] == 1:
            return
        self._coder.encode_reverse(np.ascontiguousarray(levels, "int32"), self._family, _table(steps))

    def payload(self) -> bytes:
        """All that was encoded; a multiple of four bytes."""
        words: np.ndarray = self._coder.get_compressed()
        return words.astype("<u4").tobytes()


class StackDecoder:
    """Decodes a payload of `StackEncoder`.

    Args:
        payload: its bytes, a multiple of four.

    Raises:
        ImportError: if the package is missing or of another version.
        ValueError: if no encoder can have written it, as far as the coder can tell.
    """

    def __init__(self, payload: bytes):
        stream = _constriction().stream
        words = np.frombuffer(payload, "<u4").astype("uint32")
        self._coder, self._family = stream.stack.AnsCoder(words), stream.model.Categorical(perfect=False)

    def pop(self, steps: np.ndarray) -> np.ndarray:
        """The next levels, int32 `(number,)`, for grid steps as `StackEncoder.push` was given, `(number, levels)`."""
        if steps.shape[1] == 1:
            return np.zeros(len(steps), "int32")
        levels: np.ndarray = self._coder.decode(self._family, _table(steps))
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
