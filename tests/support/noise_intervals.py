"""The test of any sampler: every noise value lies in the interval of the level that it drew."""

import numpy as np


def intervals(logits, images, temperature=1.0):
    """The interval of the cumulative distribution of each level, in float64: `(low, high)`."""
    logits = np.array(logits, "float64") / temperature
    probabilities = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities /= probabilities.sum(-1, keepdims=True)
    above = np.cumsum(probabilities, axis=-1)
    index = np.array(images)[..., None].astype(int)
    high = np.take_along_axis(above, index, -1)[..., 0]
    return high - np.take_along_axis(probabilities, index, -1)[..., 0], high


def check_intervals(model, images, noise, where=True, temperature=1.0, condition=None):
    """Teacher-force the images: every noise value lies in the interval of the level it drew."""
    low, high = intervals(model(images if condition is None else [images, condition]), images, temperature)
    assert ((noise >= low - 1e-5) & (noise <= high + 1e-5) | ~np.broadcast_to(where, noise.shape)).all()
