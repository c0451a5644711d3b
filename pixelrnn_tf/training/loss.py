"""The loss of training, with the gradient that holds least memory where it runs."""

import tensorflow as tf

from pixelrnn_tf.models import negative_log_likelihood


def nats_per_image(levels: tf.Tensor, logits: tf.Tensor, jit_compile: bool) -> tf.Tensor:
    """`pixelrnn_tf.models.negative_log_likelihood` of levels, all of which are in range.

    Its gradient holds one array of the size of the logits under XLA and two without; that of TensorFlow's own operation
    one without XLA, where a single kernel computes it, and two under XLA. A graph cannot tell when it is made which of
    the two will run it, but training knows.

    Args:
        levels: integers `(batch, height, width, channels)`.
        logits: `(batch, height, width, channels, levels)`.
        jit_compile: whether XLA compiles the graph that this is part of.

    Returns:
        float32 `(batch,)`.
    """
    if jit_compile:
        return negative_log_likelihood(levels, logits)
    logits = tf.cast(logits, tf.float32)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(levels, tf.int32), logits)
    return tf.reduce_sum(nats, axis=(1, 2, 3))
