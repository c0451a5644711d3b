"""The loss of training, with the gradient that holds least memory where it runs."""

import tensorflow as tf

from pixelrnn_tf.layers import OutputDistribution, Softmax


def nats_per_image(
    output: OutputDistribution, levels: tf.Tensor, parameters: tf.Tensor, jit_compile: bool
) -> tf.Tensor:
    """The negative log-likelihood of levels, all of which are in range.

    The gradient of `Softmax.log_prob` holds one array of the size of the logits under XLA and two without; that of
    TensorFlow's own operation one without XLA, where a single kernel computes it, and two under XLA. A graph cannot
    tell when it is made which of the two will run it, but training knows.

    Args:
        output: distribution of a sub-pixel.
        levels: integers `(batch, height, width, channels)`.
        parameters: of the output, float32 `(batch, height, width, channels, parameters)`.
        jit_compile: whether XLA compiles the graph that this is part of.

    Returns:
        float32 `(batch,)`.
    """
    if isinstance(output, Softmax) and not jit_compile:
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(levels, tf.int32), parameters)
    else:
        nats = -output.log_prob(parameters, levels)
    return tf.reduce_sum(nats, axis=(1, 2, 3))
