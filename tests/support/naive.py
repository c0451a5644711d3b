"""Sampling as every other implementation does it: the whole network anew for every sub-pixel."""

import numpy as np
import tensorflow as tf

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
