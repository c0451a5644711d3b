"""A data set of images as integer levels, and its batches."""

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

# A split of at most so many bytes is kept in memory, one byte per sub-pixel; a larger one is read anew every epoch.
IN_MEMORY_BYTES = 2**30
# The shuffle buffer of a split that is not kept in memory holds so many bytes of images.
SHUFFLE_BYTES = 2**28
# What random numbers are for: the first part of a key, so that no two uses share numbers.
ORDER, TRAIN_SAMPLE, FIXED_SAMPLE = 0, 1, 2
FIXED_SEED = 0


def images_and_condition(batch: Structure) -> tuple[Any, Any]:
    """The images of a batch and what else a model is given of them: the condition, or None."""
    return (batch["images"], batch["condition"]) if isinstance(batch, dict) else (batch, None)


def fits_memory(size: int, shape: ImageShape) -> bool:
    """Whether so many images of a shape fit in `IN_MEMORY_BYTES`."""
    return size * math.prod(shape) <= IN_MEMORY_BYTES


@dataclasses.dataclass(frozen=True)
class Split:
    """A part of a data set.

    Attributes:
        name: what exactly it is, such as "train[:54000]".
        size: number of images.
        images: one image after another, uint8 `(height, width, channels)`, always in the same order.
        array: the same images, uint8 `(size, height, width, channels)`, if they are in memory already.
        labels: the class of each image, int32 `(size,)`, where it is known.
    """

    name: str
    size: int
    images: tf.data.Dataset
    array: tf.Tensor | None = dataclasses.field(default=None, repr=False, compare=False)
    labels: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)

    @classmethod
    def of_array(cls, name: str, images: np.ndarray, labels: np.ndarray | None = None) -> "Split":
        """A split of uint8 images `(size, height, width, channels)` in memory."""
        with tf.device("CPU:0"):
            array = tf.constant(images)
        return cls(name, len(images), tf.data.Dataset.from_tensor_slices(array), array, labels)

    def map(self, function: Callable[[Structure], tf.Tensor]) -> "Split":
        """The same split with a function applied to every image."""
        images = self.images.map(function, num_parallel_calls=tf.data.AUTOTUNE)
        return dataclasses.replace(self, images=images, array=None)

    @property
    def is_small(self) -> bool:
        """Whether the images fit in `IN_MEMORY_BYTES`."""
        return fits_memory(self.size, self.images.element_spec.shape)

    @functools.cached_property
    def in_memory(self) -> tf.Tensor:
        """All images, uint8 `(size, height, width, channels)`, in the memory of the host; read once, when first used.

        Raises:
            ValueError: if an image cannot be read or has values out of range, or their number is not `size`.
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
            raise ValueError(f"{self.name} should have {self.size} images, and has {count}.")
        with tf.device("CPU:0"):
            return tf.constant(array)

    def indexed(self) -> tf.data.Dataset:
        """Pairs of an image's index, an int64, and the image, in order."""
        images = tf.data.Dataset.from_tensor_slices(self.in_memory) if self.is_small else self.images
        return images.enumerate()

    def shuffled_batches(self, batch_size: int, key: tf.Tensor) -> tf.data.Dataset:
        """Whole batches of pairs as of `indexed`, in an order that is a function of the key, int64 `(2,)`.

        A split in memory is permuted as a whole; another one passes through a shuffle buffer of `SHUFFLE_BYTES`.
        To be called in the graph of a function of a `tf.data.Dataset`, where a seed holds for that graph alone.
        """
        if self.is_small:
            images = self.in_memory
            order = tf.random.experimental.stateless_shuffle(tf.range(self.size, dtype=tf.int64), key, alg="philox")
            batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=True)
            return batches.map(lambda index: (index, tf.gather(images, index)))
        # Dataset.shuffle mixes its seed with that of its graph, which otherwise would be the caller's global seed.
        # Not 0: get_seed would go on to compare the other seed, a tensor, in Python.
        tf.random.set_seed(1)
        seed = tf.random.stateless_uniform([], key, minval=None, maxval=None, dtype=tf.int64, alg="philox")
        held = max(1, SHUFFLE_BYTES // math.prod(self.images.element_spec.shape))
        pairs = self.indexed().shuffle(min(self.size, held), seed, reshuffle_each_iteration=False)
        return pairs.batch(batch_size, drop_remainder=True)


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A data set of images of one shape, as integer levels.

    Attributes:
        name: as given to `load`.
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel of a batch, 2 to 256.
        binarization: what was done to make images binary, in words.
        splits: "train", "validation" and, if there is one, "test"; or "all" if the data were not split. Methods take
            "all" in any case, for the images of all splits.
        sampled_from: for dynamic binarisation, the number of levels of the images of the splits, from which
            the binary images of the batches are drawn. Otherwise None: batches hold the images of the splits.
        fingerprint: for every split what it holds in a few words, such as "1437 images, sha256 0f3a...", which
            change when an image is added, removed, changed or moved to another split. Whoever trains writes it
            down, and who goes on or scores later asks `check_unchanged`. It tells of the images before they
            are resized, requantised or binarised; empty if nobody knows.
        notes: what is to be known of how the data were read, a line each.
        classes: for class-conditional models, the names of the classes, in the order of their labels; a batch is a
            dictionary then: "images", and "condition", their labels. Otherwise empty: a batch is its images.
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

    def __post_init__(self):
        for split in self.splits.values() if self.classes else ():
            if split.labels is None or split.labels.shape != (split.size,):
                raise ValueError(f"{self.name} has classes, and {split.name} has no label for each of its images.")

    def describe(self) -> str:
        """The data set, its shape, levels and binarisation, and a line for every split and note, to be printed."""
        lines = [f"{self.name}: images {self.image_shape}, {self.levels} levels, binarisation: {self.binarization}"]
        lines += [f"  {key}: {split.name}, {split.size} images" for key, split in self.splits.items()]
        if self.classes:
            shown = ", ".join([*self.classes[:10], *(["..."] if len(self.classes) > 10 else [])])
            lines.append(f"  {len(self.classes)} classes: {shown}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def train_batches(self, batch_size: int, seed: int, start_step: int = 0) -> tf.data.Dataset:
        """Batches of the train split for ever, shuffled anew every epoch; the incomplete last batch is dropped.

        Order and random binarisation are functions of the seed, the epoch and the image alone.

        Args:
            batch_size: images per batch, 1 to the size of the train split.
            seed: any int64.
            start_step: number of batches to leave out, so that a resumed run goes on where it stopped. The
                skipped part of an epoch costs nothing for a split in memory; otherwise it is read.

        Returns:
            a data set of uint8 levels `(batch_size, height, width, channels)`; with classes, of dictionaries of them,
            "images", and of their labels, "condition", int32 `(batch_size,)`.

        Raises:
            ValueError: for a batch size or a step out of range, or images of a split in memory that cannot be
                read. Those of another split raise a `tf.errors.OpError` when they are reached.
        """
        train = self.split("train")
        batch_size = checked_integer("batch_size", batch_size, 1)
        start_step = checked_integer("start_step", start_step, 0)
        if batch_size > train.size:
            raise ValueError(f"batch_size must be at most the {train.size} images of {train.name}, got {batch_size}.")
        start_epoch, skipped = divmod(start_step, train.size // batch_size)
        if train.is_small:
            _ = train.in_memory  # Read it here: inside the function below there is a graph.

        def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
            batches = train.shuffled_batches(batch_size, make_key(seed, ORDER, epoch))
            batches = batches.skip(tf.where(epoch == start_epoch, tf.constant(skipped, tf.int64), 0))
            return self._finished(train, batches, make_key(seed, TRAIN_SAMPLE, epoch))

        return tf.data.Dataset.counter(start_epoch).flat_map(epoch_batches).prefetch(tf.data.AUTOTUNE)

    def batches(self, split: str, batch_size: int) -> tf.data.Dataset:
        """Every image of a split once, in order; the last batch may be smaller.

        Under dynamic binarisation the images are one fixed sample, the same in every call and every process.

        Args:
            split: a key of `splits`, or "all".
            batch_size: images per batch, at least 1.

        Returns:
            a data set of uint8 levels `(batch, height, width, channels)`, with classes of dictionaries, as for
            `train_batches`.

        Raises:
            ValueError: if there is no such split, for a batch size below 1, or, as for `train_batches`, images
                that cannot be read.
        """
        batch_size = checked_integer("batch_size", batch_size, 1)
        batches = self.split(split).indexed().batch(batch_size)
        key = make_key(FIXED_SEED, FIXED_SAMPLE, zlib.crc32(split.encode()))
        return self._finished(self.split(split), batches, key).prefetch(tf.data.AUTOTUNE)

    def first(self, split: str, number: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The first images of a split, in memory: all of them for None, or where there are fewer.

        Returns:
            uint8 levels `(number, height, width, channels)`; and, with classes, their labels, int32 `(number,)`, else
            None.

        Raises:
            ValueError: as `batches`.
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
        """The images of all splits, one split after another."""
        splits = list(self.splits.values())
        images = functools.reduce(tf.data.Dataset.concatenate, [split.images for split in splits])
        labels = [split.labels for split in splits if split.labels is not None]
        return Split(
            " + ".join(split.name for split in splits),
            sum(split.size for split in splits),
            images,
            labels=np.concatenate(labels) if len(labels) == len(splits) else None,
        )

    def split(self, name: str) -> Split:
        """A split by its name, or for "all" the images of all splits.

        Raises:
            ValueError: if there is no such split.
        """
        if name == "all" and "all" not in self.splits:
            return self._all
        if name not in self.splits:
            raise ValueError(f"{self.name} has no split {name!r}. Its splits are: {', '.join(self.splits)}.")
        return self.splits[name]

    def _finished(self, split: Split, batches: tf.data.Dataset, key: tf.Tensor) -> tf.data.Dataset:
        """Batches as models take them, of batches of indices and images of a split."""
        sampled = self._sampled(batches, key)
        if not self.classes:
            return sampled.map(lambda indices, images: images)
        labels = tf.constant(split.labels, tf.int32)
        return sampled.map(lambda indices, images: {"images": images, "condition": tf.gather(labels, indices)})

    def _sampled(self, batches: tf.data.Dataset, key: tf.Tensor) -> tf.data.Dataset:
        """The same batches of indices and images, or with binary samples of the images, by the key and the index."""
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
