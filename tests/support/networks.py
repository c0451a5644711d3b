"""Small networks with weights that leave nothing at its initial zero, for any test that needs one."""

import itertools

import numpy as np

from pixelrnn_tf.layers.blocks import BLOCKS
from pixelrnn_tf.models import PixelRNN

BLOCK_NAMES = tuple(BLOCKS)


def randomize(model, seed=0, scale=0.3):
    """Add noise to every weight, biases and initial states included."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(weight.numpy() + rng.normal(scale=scale, size=weight.shape))
    return model


def make_network(block, image_shape=(5, 6, 1), seed=0, scale=0.3, **arguments):
    """A small PixelRNN; hidden is no multiple of 3, so color groups have unequal sizes."""
    defaults = {"levels": 4, "num_blocks": 2, "hidden": 5, "head_hidden": 7}
    return randomize(PixelRNN(image_shape, block=block, **{**defaults, **arguments}), seed, scale)


def random_images(model, batch, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, model.levels, (batch, *model.image_shape)).astype("uint8")


def all_images(shape, levels):
    """Every image of a small shape."""
    size = int(np.prod(shape))
    return np.array(list(itertools.product(range(levels), repeat=size)), "uint8").reshape(-1, *shape)
