"""Asymmetric numeral systems coder of the package `constriction`, a stack: the last input is decoded first.

The range coder of the package, a queue, loses about 1.2e-4 bits per level, the remainder of cutting its range into 2^24
equal parts. For binary images, where most levels cost far less than a hundredth of a bit, that is a tenth of a percent.

Choices that the package leaves to its caller: the tables are float64 integers in C order, and the models are not its
"perfect" ones. The output depends on the version of the package, so the file format records it. The coder decodes
levels from any bytes; a checksum detects wrong ones.
"""

import functools
import importlib.metadata
import types

import numpy as np

from pixelrnn_tf.compression.integer_weights import weights_of

# The streams of constriction change with these two numbers of its version.
CODER_VERSION = (0, 5)


class StackEncoder:
    """Encoder of levels, last ones first.

    Raises:
        ImportError: if the package is missing or has another version.
    """

    def __init__(self) -> None:
        stream = _constriction().stream
        self._coder, self._family = stream.stack.AnsCoder(), stream.model.Categorical(perfect=False)

    def push(self, levels: np.ndarray, steps: np.ndarray) -> None:
        """Encode levels that are decoded before those encoded so far.

        Args:
            levels: integers `(number,)`, in the order of decoding.
            steps: grid steps below the highest logit, `(number, levels)`. A single level takes no bits.
        """
        if steps.shape[1] == 1:
            return
        self._coder.encode_reverse(np.ascontiguousarray(levels, "int32"), self._family, _table(steps))

    def payload(self) -> bytes:
        """Return all encoded bytes, a multiple of four."""
        words: np.ndarray = self._coder.get_compressed()
        return words.astype("<u4").tobytes()


class StackDecoder:
    """Decoder of a payload of `StackEncoder`.

    Args:
        payload: bytes, a multiple of four.

    Raises:
        ImportError: if the package is missing or has another version.
        ValueError: if the coder detects that no encoder can have written the payload.
    """

    def __init__(self, payload: bytes):
        stream = _constriction().stream
        words = np.frombuffer(payload, "<u4").astype("uint32")
        self._coder, self._family = stream.stack.AnsCoder(words), stream.model.Categorical(perfect=False)

    def pop(self, steps: np.ndarray) -> np.ndarray:
        """Decode the next levels, int32 `(number,)`, with the grid steps `(number, levels)` given to the encoder."""
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
            f"constriction {found} is installed, but its streams differ from those of constriction {needed}, which "
            f"this file format uses: {install}"
        )
    return constriction
