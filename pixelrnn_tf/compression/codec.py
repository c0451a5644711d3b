"""`compress`, `decompress` and the `Codec` that implements them."""

import math
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from pixelrnn_tf.backend import double_precision
from pixelrnn_tf.compression.checked_inputs import checked_condition, checked_images
from pixelrnn_tf.compression.decoding import BatchDecoder
from pixelrnn_tf.compression.encoding import BatchEncoder
from pixelrnn_tf.compression.file_format import (
    GIVEN,
    LABELS,
    NO_CONDITION,
    Chunk,
    Header,
    check_writable,
    level_dtype,
    read_file,
    read_header,
    write_file,
)
from pixelrnn_tf.compression.model_digest import model_digest
from pixelrnn_tf.compression.stack_coder import StackDecoder, StackEncoder
from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.typing import TensorLike

# Called with the number of images done and the total number.
Progress = Callable[[int, int], None]

# The images of a batch are decoded in parallel. Larger batches are not faster.
_IMAGES_PER_BATCH = 512
# Limits of a batch during decoding: float64 numbers in memory, and logits.
_NUMBERS_PER_BATCH, _LOGITS_PER_BATCH = 2**25, 2**24
_BATCHES_PER_CHUNK = 8


def compress(model: ImageModel, images: TensorLike, condition: TensorLike | None = None) -> bytes:
    """Compress images losslessly, to about -log2 p bits under the model.

    Args:
        model: a `PixelRNN` or a `MultiScalePixelRNN`.
        images: integer levels `(number, height, width, channels)` in `[0, levels)`.
        condition: input of a conditional model. The file holds class labels; any other condition must be passed to
            `decompress` again.

    Returns:
        the bytes of a file in the format of docs/compression.md. Only this model can decompress it.

    Raises:
        ValueError: for images or a condition that do not fit the model.
        FloatingPointError: if the logits of the model are not finite.
        ImportError: if the package constriction is missing.

    Example:

    >>> model = PixelRNN((4, 4, 1), levels=2, block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> images = np.random.default_rng(0).integers(0, 2, (3, 4, 4, 1))
    >>> np.array_equal(decompress(model, compress(model, images)), images)
    True
    """
    return Codec(model).encode(images, condition).data


def decompress(model: ImageModel, data: bytes, condition: TensorLike | None = None) -> np.ndarray:
    """Decompress the images of `compress`.

    Args:
        model: the same model with the same weights. The backend, the number of threads and XLA do not matter.
        data: the bytes of a file.
        condition: the condition given to `compress`, if the file does not hold it.

    Returns:
        levels `(number, height, width, channels)`, uint8, or uint16 if the model has more than 256.

    Raises:
        ValueError: if the file is damaged, has a later version, or was written with another model or condition.
        ImportError: if the package constriction is missing.
    """
    return Codec(model).decode(data, condition).images


class Encoded(NamedTuple):
    """Compressed images.

    Attributes:
        data: the bytes of the file.
        nats: negative log-likelihood of each image, given its condition, float64 `(number,)`.
        model_bits: -log2 of the probability of the content of the file: the images, and their labels if it holds them.
    """

    data: bytes
    nats: np.ndarray
    model_bits: float


class Decoded(NamedTuple):
    """Decompressed images.

    Attributes:
        images: levels `(number, height, width, channels)`, uint8, or uint16 if the model has more than 256.
        labels: int32 `(number,)`, the class labels in the file; None if it holds none.
    """

    images: np.ndarray
    labels: np.ndarray | None


class Codec:
    """Compressor and decompressor for one model; keeps its compiled graphs.

    Args:
        model: the model. Make a new codec after a change of its weights. Threads may share a codec.
        jit_compile: compile the encoder's pass with XLA: slow at first, then faster. The file is the same or decodes to
            the same images.
    """

    def __init__(self, model: ImageModel, jit_compile: bool = False):
        self.model = model
        self.digest = model_digest(model)
        self._lock = threading.RLock()  # The decoder keeps the state of the current batch.
        with double_precision():
            self._encoder, self._decoder = BatchEncoder(model, jit_compile), BatchDecoder(model)

    def encode(
        self, images: TensorLike, condition: TensorLike | None = None, progress: Progress | None = None
    ) -> Encoded:
        """Compress images and compute their likelihood.

        Args:
            images: see `compress`.
            condition: see `compress`.
            progress: called after every batch.

        Raises:
            ValueError, FloatingPointError, ImportError: see `compress`; also ValueError if the weights have changed.
        """
        self._check_weights()
        with double_precision():
            levels = checked_images(self.model, images)
            condition = checked_condition(self.model, condition, levels)
            kind = NO_CONDITION if condition is None else LABELS if self.model.num_classes else GIVEN
            sizes = (len(levels), batch_size_of(self.model), _BATCHES_PER_CHUNK)
            header = Header(self.digest, self.model.image_shape, self.model.levels, *sizes, kind)
            check_writable(header)
            nats: list[np.ndarray] = [np.zeros(0)]
            chunks = (
                self._encoded_chunk(header, numbers, levels, condition, nats, progress)
                for numbers in header.chunk_ranges()
            )
            data = write_file(header, chunks)
        of_labels = len(levels) * math.log2(self.model.num_classes or 1) if kind == LABELS else 0.0
        return Encoded(data, np.concatenate(nats), float(np.concatenate(nats).sum()) / math.log(2.0) + of_labels)

    def _encoded_chunk(
        self,
        header: Header,
        numbers: range,
        levels: np.ndarray,
        condition: np.ndarray | None,
        nats: list[np.ndarray],
        progress: Progress | None,
    ) -> Chunk:
        """Encode one chunk of images; append their negative log-likelihoods to `nats`."""
        coder, offsets, of_batches = StackEncoder(), bytearray(), []
        # Encode the last batch first, since the coder is a stack.
        for batch in reversed(list(header.batch_ranges(numbers))):
            part = slice(batch.start, batch.stop)
            given = None if condition is None else condition[part]
            offset, of_batch = self._encoder.encode(coder, levels[part], given)
            if header.condition == LABELS and given is not None:
                coder.push(given, self._even_steps(len(batch)))
            offsets.append(offset)
            of_batches.append(of_batch)
            if progress:
                progress(numbers.start + sum(map(len, of_batches)), header.images)
        nats += reversed(of_batches)
        crc = zlib.crc32(levels[numbers.start : numbers.stop].tobytes())
        return Chunk(bytes(reversed(offsets)), crc, coder.payload())

    def decode(self, data: bytes, condition: TensorLike | None = None, progress: Progress | None = None) -> Decoded:
        """Decompress the images of a file, and its labels if it holds them.

        Args:
            data: the bytes of the file.
            condition: see `decompress`.
            progress: called after every batch.

        Raises:
            ValueError, ImportError: see `decompress`.
        """
        parts = list(self.decode_chunks(data, condition, progress))
        none = np.zeros((0, *self.model.image_shape), level_dtype(self.model.levels))
        images = np.concatenate([none, *(part.images for part in parts)])
        labels = [part.labels for part in parts if part.labels is not None]
        if read_header(bytes(data)).condition == LABELS:
            return Decoded(images, np.concatenate([np.zeros(0, "int32"), *labels]))
        return Decoded(images, None)

    def decode_chunks(
        self, data: bytes, condition: TensorLike | None = None, progress: Progress | None = None
    ) -> Iterator[Decoded]:
        """Decompress a file chunk by chunk, so that not all images need to be in memory.

        Args:
            data: see `decode`.
            condition: see `decode`.
            progress: see `decode`.

        Raises:
            ValueError, ImportError: see `decompress`.
        """
        header, chunks = read_file(bytes(data))
        self.check_header(header)
        with double_precision():
            given = self._given_condition(header, condition)
        for numbers, chunk in zip(header.chunk_ranges(), chunks, strict=True):
            of_chunk = None if given is None else given[numbers.start : numbers.stop]
            yield self.decode_chunk(header, numbers, chunk, of_chunk, progress)

    def decode_chunk(
        self,
        header: Header,
        numbers: range,
        chunk: Chunk,
        condition: np.ndarray | None = None,
        progress: Progress | None = None,
    ) -> Decoded:
        """Decode one chunk of a file, independently of the others.

        Args:
            header: header of the file.
            numbers: indices of the images in the chunk.
            chunk: a chunk from `read_file`.
            condition: condition of these images, if the file does not hold it.
            progress: called after every batch.

        Raises:
            ValueError: if the decoded levels differ from the encoded ones.
        """
        coder, parts, labels = StackDecoder(chunk.payload), [], []
        size = min(header.batch_size, header.images)
        with self._lock, double_precision():
            for offset, batch in zip(chunk.offsets, header.batch_ranges(numbers), strict=True):
                first = batch.start - numbers.start
                given = None if condition is None else condition[first : first + len(batch)]
                if header.condition == LABELS:
                    given = coder.pop(self._even_steps(len(batch)))
                    labels.append(given)
                parts.append(self._decoder.decode(coder, offset, len(batch), given, size))
                if progress:
                    progress(batch.stop, header.images)
        images = np.concatenate(parts)
        if zlib.crc32(images.tobytes()) != chunk.levels_crc:
            raise ValueError(
                f"Images {numbers.start} to {numbers.stop - 1} do not decode to what was encoded (CRC-32)."
                + (" Pass the condition that they were compressed with." if header.condition == GIVEN else "")
            )
        return Decoded(images, np.concatenate(labels) if labels else None)

    def check_header(self, header: Header) -> None:
        """Check that a file was written with this model.

        Raises:
            ValueError: if it was not, or if the weights of the model have changed.
        """
        self._check_weights()
        if header.image_shape != self.model.image_shape or header.levels != self.model.levels:
            raise ValueError(
                f"The file holds images of shape {header.image_shape} with {header.levels} levels; the model takes "
                f"{self.model.image_shape} with {self.model.levels} levels. Pass the model it was compressed with."
            )
        if header.model_digest != self.digest:
            raise ValueError(
                "The file was compressed with another model: the SHA-256 of its configuration and weights differs. "
                "Pass the model it was compressed with."
            )

        most = batch_size_of(self.model)
        if header.batch_size > most or header.chunk_batches > _BATCHES_PER_CHUNK:
            raise ValueError(
                f"The header of the file is damaged: it has {header.batch_size} images per batch and "
                f"{header.chunk_batches} batches per chunk, but this model writes at most {most} and "
                f"{_BATCHES_PER_CHUNK}."
            )

    def _check_weights(self) -> None:
        if model_digest(self.model) != self.digest:
            raise ValueError("The weights of the model have changed since this codec was made: make a new Codec.")

    def _given_condition(self, header: Header, condition: TensorLike | None) -> np.ndarray | None:
        """Check the condition given to `decode`, for all images."""
        if header.condition == LABELS:
            if condition is not None:
                raise ValueError("The file holds the labels of its images: omit `condition`.")
            return None
        return checked_condition(
            self.model, condition, np.broadcast_to(np.uint8(0), (header.images, *header.image_shape))
        )

    def _even_steps(self, number: int) -> np.ndarray:
        """Grid steps that give all classes the same probability, `(number, num_classes)`."""
        return np.zeros((number, self.model.num_classes or 1), "uint16")


def batch_size_of(model: ImageModel) -> int:
    """Number of images to decode in parallel within the memory limits."""
    return min(_batch_size_of_network(network) for network, _ in model.scales())


def _batch_size_of_network(network: PixelRNN) -> int:
    height, width, channels = network.image_shape
    # For a row, a layer keeps about twelve numbers per feature (2h): caches, contexts, records and copies.
    kept = 24 * width * network.hidden * (network.num_blocks + 1)
    logits = height * width * channels * network.levels
    fitting = min(_NUMBERS_PER_BATCH // kept, _LOGITS_PER_BATCH // logits, _IMAGES_PER_BATCH)
    return max(1, fitting)
