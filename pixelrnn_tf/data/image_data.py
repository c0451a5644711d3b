"""Data sets of images as integer levels, and their batches."""

import dataclasses
import functools
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from pixelrnn_tf.data.binarize import make_key, sample_binary
from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.progress import Progress
from pixelrnn_tf.typing import ImageShape, Structure

# Larger splits are not kept in memory, at one byte per sub-pixel, but read again in every epoch.
IN_MEMORY_BYTES = 2**30
# Size of the shuffle buffer, in bytes of images, for a split that is not kept in memory.
SHUFFLE_BYTES = 2**28
# Purpose of random numbers, the first part of a key, so that no two uses share numbers.
ORDER, TRAIN_SAMPLE, FIXED_SAMPLE = 0, 1, 2
FIXED_SEED = 0


def images_and_condition(batch: Structure) -> tuple[Any, Any]:
    """Split a batch into its images and its condition, or None."""
    return (batch["images"], batch["condition"]) if isinstance(batch, dict) else (batch, None)


def fits_memory(size: int, shape: ImageShape) -> bool:
    """True if this number of images of a shape fits in `IN_MEMORY_BYTES`."""
    return size * math.prod(shape) <= IN_MEMORY_BYTES


@dataclasses.dataclass(frozen=True)
class Split:
    """A part of a data set.

    Attributes:
        name: exact description, such as "train[:54000]".
        size: number of images.
        images: the images one by one, uint8 `(height, width, channels)`, always in the same order.
        array: the same images, uint8 `(size, height, width, channels)`, if they are already in memory.
        labels: the class labels of the images, int32 `(size,)`, if known.
        vectors: the vectors of the images, float32 `(size, numbers)`, if known.
    """

    name: str
    size: int
    images: tf.data.Dataset
    array: tf.Tensor | None = dataclasses.field(default=None, repr=False, compare=False)
    labels: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)
    vectors: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)

    @classmethod
    def of_array(
        cls, name: str, images: np.ndarray, labels: np.ndarray | None = None, vectors: np.ndarray | None = None
    ) -> "Split":
        """Make a split from uint8 images `(size, height, width, channels)` in memory."""
        with tf.device("CPU:0"):
            array = tf.constant(images)
        return cls(name, len(images), tf.data.Dataset.from_tensor_slices(array), array, labels, vectors)

    def map(self, function: Callable[[Structure], tf.Tensor]) -> "Split":
        """Make a split with a function applied to every image."""
        images = self.images.map(function, num_parallel_calls=tf.data.AUTOTUNE)
        return dataclasses.replace(self, images=images, array=None)

    @property
    def is_small(self) -> bool:
        """True if the images fit in `IN_MEMORY_BYTES`."""
        return fits_memory(self.size, self.images.element_spec.shape)

    @functools.cached_property
    def in_memory(self) -> tf.Tensor:
        """All images, uint8 `(size, height, width, channels)`, in host memory; read once, on first use.

        Raises:
            ValueError: if an image cannot be read, has values out of range, or the number of images is not `size`.
        """
        if self.array is not None:
            return self.array
        array = np.empty((self.size, *self.images.element_spec.shape), "uint8")
        count = 0
        try:
            with Progress("read", self.size, last_line=False) as progress:
                for batch in self.images.batch(256).as_numpy_iterator():
                    array[count : count + len(batch)] = batch[: max(0, self.size - count)]
                    count += len(batch)
                    progress.update(count)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(f"Cannot read the images of {self.name}: {error.message}") from error
        if count != self.size:
            raise ValueError(f"{self.name} should have {self.size} images, but has {count}.")
        with tf.device("CPU:0"):
            return tf.constant(array)

    def indexed(self) -> tf.data.Dataset:
        """Pairs of the int64 index of an image and the image, in order."""
        images = tf.data.Dataset.from_tensor_slices(self.in_memory) if self.is_small else self.images
        return images.enumerate()

    def shuffled_batches(self, batch_size: int, key: tf.Tensor) -> tf.data.Dataset:
        """Full batches of the pairs of `indexed`, in an order that depends only on the key, int64 `(2,)`.

        A split in memory is fully permuted; other splits pass through a shuffle buffer of `SHUFFLE_BYTES`. Call this
        inside a function of a `tf.data.Dataset`, whose graph has its own random seed.
        """
        if self.is_small:
            images = self.in_memory
            order = tf.random.experimental.stateless_shuffle(tf.range(self.size, dtype=tf.int64), key, alg="philox")
            batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=True)
            return batches.map(lambda index: (index, tf.gather(images, index)))
        # Dataset.shuffle mixes its seed with that of its graph, which would otherwise be the caller's global seed.
        # It must not be 0: get_seed would then compare the other seed, a tensor, in Python.
        tf.random.set_seed(1)
        seed = tf.random.stateless_uniform([], key, minval=None, maxval=None, dtype=tf.int64, alg="philox")
        held = max(1, SHUFFLE_BYTES // math.prod(self.images.element_spec.shape))
        pairs = self.indexed().shuffle(min(self.size, held), seed, reshuffle_each_iteration=False)
        return pairs.batch(batch_size, drop_remainder=True)


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A data set of images with one shape, as integer levels.

    Attributes:
        name: the name given to `load`.
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel of a batch, 2 to 256.
        binarization: description of how images were made binary.
        splits: "train", "validation" and, if there is one, "test"; or "all" if the data were not split. Methods always
            accept "all", for the images of all splits.
        sampled_from: for dynamic binarization, the number of levels of the split's images, from which the binary images
            of the batches are drawn. Otherwise None: batches hold the images of the splits.
        fingerprint: short description of the content of every split, such as "1437 images, sha256 0f3a...", which
            changes if an image is added, removed, changed or moved to another split. A training run records it;
            resuming and scoring compare it with `check_unchanged`. It describes the images before they are resized,
            requantized or binarized. Empty if unknown.
        notes: remarks on how the data were read, one line each.
        classes: for class-conditional models, the names of the classes, in the order of their labels. A batch is then a
            dictionary of "images" and "condition", the labels. Otherwise empty.
        vector_range: for models conditioned on vectors, the smallest and the largest valid value of each number,
            `(low, high)`. A batch is then a dictionary of "images" and "condition", the vectors. Otherwise None.
            Without classes and vectors a batch is a tensor of images.
    """

    name: str
    image_shape: ImageShape
    levels: int
    binarization: str
    splits: dict[str, Split]
    sampled_from: int | None = None
    fingerprint: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    vector_range: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def __post_init__(self):
        for split in self.splits.values() if self.vector_range else ():
            if split.vectors is None or split.vectors.shape != (split.size, len(self.vector_range[0])):
                raise ValueError(f"{self.name} has a vector_range, but {split.name} does not have a vector per image.")
        for split in self.splits.values() if self.classes else ():
            if split.labels is None or split.labels.shape != (split.size,):
                raise ValueError(f"{self.name} has classes, but {split.name} does not have one label per image.")

    def describe(self) -> str:
        """Describe the data set for printing: its shape, levels, binarization, splits and notes."""
        lines = [f"{self.name}: images {self.image_shape}, {self.levels} levels, binarization: {self.binarization}"]
        lines += [f"  {key}: {split.name}, {split.size} images" for key, split in self.splits.items()]
        if self.classes:
            shown = ", ".join([*self.classes[:10], *(["..."] if len(self.classes) > 10 else [])])
            lines.append(f"  {len(self.classes)} classes: {shown}")
        if self.vector_range:
            shown = ", ".join(f"{low:g} to {high:g}" for low, high in zip(*self.vector_range, strict=True))
            lines.append(f"  a vector for each image, of numbers from {shown}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def train_batches(self, batch_size: int, seed: int, start_step: int = 0) -> tf.data.Dataset:
        """Endless batches of the train split, reshuffled every epoch; the incomplete last batch is dropped.

        Order and random binarization depend only on the seed, the epoch and the image.

        Args:
            batch_size: images per batch, 1 to the size of the train split.
            seed: any int64.
            start_step: number of batches to skip when a run resumes. Skipping is free for a split in memory; otherwise
                the skipped part of the epoch is read.

        Returns:
            a data set of uint8 levels `(batch_size, height, width, channels)`; with classes, of dictionaries of
            "images" and "condition", the labels, int32 `(batch_size,)`; likewise with vectors, float32
            `(batch_size, numbers)`.

        Raises:
            ValueError: for a batch size or a step out of range, or if an image of a split in memory cannot be read.
                Unreadable images of other splits raise a `tf.errors.OpError` when they are reached.
        """
        train = self.split("train")
        batch_size = checked_integer("batch_size", batch_size, 1)
        start_step = checked_integer("start_step", start_step, 0)
        if batch_size > train.size:
            raise ValueError(f"batch_size must be at most the {train.size} images of {train.name}, got {batch_size}.")
        start_epoch, skipped = divmod(start_step, train.size // batch_size)
        if train.is_small:
            _ = train.in_memory  # Read it here, outside of the graph of the function below.

        def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
            batches = train.shuffled_batches(batch_size, make_key(seed, ORDER, epoch))
            batches = batches.skip(tf.where(epoch == start_epoch, tf.constant(skipped, tf.int64), 0))
            return self._finished(train, batches, make_key(seed, TRAIN_SAMPLE, epoch))

        return tf.data.Dataset.counter(start_epoch).flat_map(epoch_batches).prefetch(tf.data.AUTOTUNE)

    def batches(self, split: str, batch_size: int) -> tf.data.Dataset:
        """Every image of a split once, in order; the last batch may be smaller.

        With dynamic binarization the images are one fixed sample, the same in every call and process.

        Args:
            split: a key of `splits`, or "all".
            batch_size: images per batch, at least 1.

        Returns:
            a data set of uint8 levels `(batch, height, width, channels)`, or of dictionaries as in `train_batches`.

        Raises:
            ValueError: if there is no such split, the batch size is below 1, or an image cannot be read (see
                `train_batches`).
        """
        batch_size = checked_integer("batch_size", batch_size, 1)
        batches = self.split(split).indexed().batch(batch_size)
        key = make_key(FIXED_SEED, FIXED_SAMPLE, zlib.crc32(split.encode()))
        return self._finished(self.split(split), batches, key).prefetch(tf.data.AUTOTUNE)

    def first(self, split: str, number: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Load the first images of a split into memory: all of them for None, or if there are fewer.

        Returns:
            uint8 levels `(number, height, width, channels)`, and their labels, int32 `(number,)`, or vectors, float32
            `(number, numbers)`, or None without either.

        Raises:
            ValueError: see `batches`.
        """
        images, conditions, left = [], [], self.split(split).size if number is None else number
        for batch in self.batches(split, min(left, 1000)).as_numpy_iterator():
            of_batch, condition = images_and_condition(batch)
            images.append(of_batch[:left])
            conditions += [] if condition is None else [condition[:left]]
            left -= len(images[-1])
            if not left:
                break
        return np.concatenate(images), np.concatenate(conditions) if conditions else None

    @functools.cached_property
    def _all(self) -> Split:
        """Concatenation of all splits."""
        splits = list(self.splits.values())
        images = functools.reduce(tf.data.Dataset.concatenate, [split.images for split in splits])
        labels = [split.labels for split in splits if split.labels is not None]
        vectors = [split.vectors for split in splits if split.vectors is not None]
        return Split(
            " + ".join(split.name for split in splits),
            sum(split.size for split in splits),
            images,
            labels=np.concatenate(labels) if len(labels) == len(splits) else None,
            vectors=np.concatenate(vectors) if len(vectors) == len(splits) else None,
        )

    def split(self, name: str) -> Split:
        """Get a split by its name, or all images for "all".

        Raises:
            ValueError: if there is no such split.
        """
        if name == "all" and "all" not in self.splits:
            return self._all
        if name not in self.splits:
            raise ValueError(f"{self.name} has no split {name!r}. Its splits are: {', '.join(self.splits)}.")
        return self.splits[name]

    def _finished(self, split: Split, batches: tf.data.Dataset, key: tf.Tensor) -> tf.data.Dataset:
        """Convert batches of indices and images to batches as models take them."""
        sampled = self._sampled(batches, key)
        if not self.classes and not self.vector_range:
            return sampled.map(lambda indices, images: images)
        conditions = tf.constant(split.labels, tf.int32) if self.classes else tf.constant(split.vectors, tf.float32)
        return sampled.map(lambda indices, images: {"images": images, "condition": tf.gather(conditions, indices)})

    def _sampled(self, batches: tf.data.Dataset, key: tf.Tensor) -> tf.data.Dataset:
        """Draw binary samples of the images in batches, by the key and the index, if `sampled_from` is set."""
        levels = self.sampled_from
        if levels is None:
            return batches

        def sample(index_and_image: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            index, image = index_and_image
            own_key = tf.random.experimental.stateless_fold_in(key, index, alg="philox")
            return sample_binary(image, levels, own_key)

        return batches.map(
            lambda indices, images: (
                indices,
                tf.map_fn(sample, (indices, images), fn_output_signature=tf.uint8),
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
