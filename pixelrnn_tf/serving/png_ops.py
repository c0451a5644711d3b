"""Decode and encode batches of PNG files inside the graph.

Accepted PNGs have 8 bits per channel and are grayscale for images with one channel, or RGB for three. Nothing is
converted, so that the scored image is the one sent. The header is checked before decoding, so that a file that declares
a huge picture cannot allocate it.
"""

import tensorflow as tf

from pixelrnn_tf.pictures.png_data import START
from pixelrnn_tf.serving.input_checks import assert_that

# Color type in a PNG header and its name, by the number of channels.
COLOR_TYPES = {1: (0, "grayscale"), 3: (2, "RGB")}

_HEADER_SIZE = 33  # Signature 8, length and name of the first chunk 8, its contents 13, checksum 4.


def decode_pngs(files: tf.Tensor, image_shape: tuple[int, int, int], name: str) -> tf.Tensor:
    """Decode PNG files that all have the size, channels and depth of one image.

    Args:
        files: string `(batch,)`.
        image_shape: `(height, width, channels)`, with 1 or 3 channels.
        name: name of the files in errors.

    Returns:
        uint8 `(batch, height, width, channels)`.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, for a broken or unsuitable file.
    """
    with tf.control_dependencies(_header_checks(files, image_shape, name)):
        files = tf.identity(files)
    return tf.map_fn(
        lambda file: tf.ensure_shape(tf.io.decode_png(file, channels=image_shape[-1]), image_shape),
        files,
        fn_output_signature=tf.TensorSpec(image_shape, tf.uint8),
    )


def _header_checks(files: tf.Tensor, image_shape: tuple[int, int, int], name: str) -> list[tf.Operation]:
    height, width, channels = image_shape
    color_type, color_name = COLOR_TYPES[channels]
    smallest = tf.reduce_min(tf.strings.length(files))
    long_enough = assert_that(
        smallest >= _HEADER_SIZE, f"{name} must hold PNG files; the shortest of these, in bytes, has", smallest
    )
    with tf.control_dependencies([long_enough]):
        files = tf.identity(files)
    is_png = assert_that(
        tf.reduce_all(tf.strings.substr(files, 0, len(START)) == START), f"{name} must hold PNG files; one is not"
    )
    sizes = tf.io.decode_raw(tf.strings.substr(files, len(START), 8), tf.int32, little_endian=False)
    fits = assert_that(
        tf.reduce_all(sizes == [width, height]),
        f"{name} must hold pictures of width {width} and height {height}; the sizes given are",
        sizes,
    )
    kinds = tf.cast(tf.io.decode_raw(tf.strings.substr(files, len(START) + 8, 2), tf.uint8), tf.int32)
    kind = assert_that(
        tf.reduce_all(kinds == [8, color_type]),
        f"{name} must hold 8-bit {color_name} PNGs (bit depth 8, color type {color_type}); depths and types are",
        kinds,
    )
    return [is_png, fits, kind]
