"""Fit images to one size and number of channels."""

import tensorflow as tf

from pixelrnn_tf.typing import ImageShape, Shape

# Weights of red, green and blue in a gray image (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


def fitted_shape(
    name: str,
    shape: Shape,
    image_size: tuple[int, int] | None,
    channels: int | None,
    levels: int,
) -> ImageShape:
    """Shape of the images of a data set after fitting: the requested sizes, or their own.

    Args:
        name: name of the data set, for errors.
        shape: `(height, width, channels)` of its images, None for sizes that vary.
        image_size: requested `(height, width)`, or None.
        channels: requested channels, 1 or 3, or None.
        levels: number of levels of the images.

    Raises:
        ValueError: if no size is requested although the images vary, they have neither 1 nor 3 channels, or another
            size of binary images is requested.
    """
    height, width = image_size or shape[:2]
    depth = channels or shape[2]
    if height is None or width is None:
        raise ValueError(f"The images of {name} vary in size: pass image_size=(height, width).")
    if depth is None:
        raise ValueError(f"The images of {name} vary in their number of channels: pass channels=1 or 3.")
    if shape[2] not in (None, 1, 3):
        raise ValueError(f"The images of {name} have {shape[2]} channels; only 1 (gray) and 3 (color) can be used.")
    if levels == 2 and (height, width) != tuple(shape[:2]):
        raise ValueError(
            f"{name} is already binary: resizing it would change its binarization. Omit image_size=(height, width)."
        )
    return (height, width, depth)


def fit_image(image: tf.Tensor, shape: ImageShape, levels: int) -> tf.Tensor:
    """Crop, resize and convert an image, with one final rounding.

    The image is center-cropped to the requested aspect ratio and resized by area averaging. Color becomes gray by its
    luma, gray becomes color by repetition.

    Args:
        image: integers `(any, any, 1 or 3)` in `[0, levels)`.
        shape: requested `(height, width, channels)`.
        levels: number of levels of the image.

    Returns:
        uint8 of the given shape, with the same number of levels.
    """
    if tuple(image.shape) == shape:
        return tf.cast(image, tf.uint8)
    height, width, channels = shape
    image = _center_crop(tf.convert_to_tensor(image), height, width)
    # Resize integers, to avoid a float32 copy of a large picture.
    image = tf.cast(tf.image.resize(image, (height, width), method="area"), tf.float32)
    if image.shape[-1] != channels:
        # If channels vary, their number is only known at run time. A gray image is not converted by luma: the three
        # weights do not add up to exactly one, and a half would be rounded down.
        if channels == 3:
            image = tf.broadcast_to(image, (height, width, 3))
        else:
            image = tf.cond(tf.shape(image)[-1] == 1, lambda: image, lambda: _luma(image))
    image = tf.clip_by_value(tf.floor(image + 0.5), 0, levels - 1)
    return tf.ensure_shape(tf.cast(image, tf.uint8), shape)


def _luma(image: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.broadcast_to(image, (*image.shape[:2], 3)) * tf.constant(LUMA), -1, keepdims=True)


def _center_crop(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Center crop of the aspect ratio height : width, as large as possible, `(rows, columns, channels)`."""
    size = tf.shape(image)
    # round(a * b / c) in integers; the limiting side keeps its length.
    rows = tf.clip_by_value((2 * size[1] * height + width) // (2 * width), 1, size[0])
    columns = tf.clip_by_value((2 * size[0] * width + height) // (2 * height), 1, size[1])
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    return image[top : top + rows, left : left + columns]
