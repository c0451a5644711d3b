"""Sampling as every other implementation does it: the whole network anew for every sub-pixel."""

import numpy as np
import tensorflow as tf

from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling import draw_level


def naive_generate(model, noise, images=None, known=None, temperature=1.0, condition=None):
    """The contract of `pixelrnn_tf.sampling.generate`, one call of the model per sub-pixel."""
    batch = len(noise)
    run = tf.function(lambda images: model(images if condition is None else [images, condition]))
    drawn = np.zeros((batch, *model.image_shape), "int32")
    keep = np.zeros(drawn.shape, bool)
    if known is not None:
        keep = np.broadcast_to(np.array(known, bool)[..., None], drawn.shape)
        drawn = np.where(keep, images, drawn)
    for index in np.ndindex(*model.image_shape):
        here = (slice(None), *index)
        level = draw_level(run(tf.constant(drawn))[here], tf.constant(noise[here]), temperature)
        drawn[here] = np.where(keep[here], drawn[here], level)
    return drawn


def naive_restore(model, noise, images, threshold, temperature=1.0, condition=None):
    """The contract of `pixelrnn_tf.sampling.restore`, one call of the model per sub-pixel.

    Returns the restored images, the redrawn sub-pixels, and the bits that decided.
    """
    run = tf.function(lambda images: model(images if condition is None else [images, condition]))
    restored, bits = images.astype("int32"), np.zeros(images.shape)
    for index in np.ndindex(*model.image_shape):
        here = (slice(None), *index)
        logits = run(tf.constant(restored))[here]
        bits[here] = -np.log2(np.exp(log_prob_of_levels(restored[here], logits)))
        level = draw_level(logits, tf.constant(noise[here]), temperature)
        restored[here] = np.where(bits[here] > threshold, level, restored[here])
    return restored, bits > np.reshape(threshold, (-1, 1, 1, 1)), bits
