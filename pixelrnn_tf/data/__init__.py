"""Data sets of images as integer levels: scikit-learn's digits, TFDS, folders, arrays and npz files."""

from pixelrnn_tf.data.arrays import from_arrays
from pixelrnn_tf.data.classes import match_classes
from pixelrnn_tf.data.fingerprint import check_unchanged
from pixelrnn_tf.data.image_data import ImageData, Split
from pixelrnn_tf.data.levels import to_bytes, to_levels
from pixelrnn_tf.data.loading import load

__all__ = ["ImageData", "Split", "check_unchanged", "from_arrays", "load", "match_classes", "to_bytes", "to_levels"]
