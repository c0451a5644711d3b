"""Training loss, with the gradient that needs least memory."""

import tensorflow as tf

from pixelrnn_tf.layers import OutputDistribution, Softmax


def nats_per_image(
    output: OutputDistribution, levels: tf.Tensor, parameters: tf.Tensor, jit_compile: bool
) -> tf.Tensor:
    """Compute the negative log-likelihood of valid levels.

    The gradient of `Softmax.log_prob` holds one array of the size of the logits under XLA, but two without.
    TensorFlow's own operation, a single kernel, holds one without XLA, but two with it. A traced graph does not know
    whether XLA will compile it, but training does.

    Args:
        output: distribution of a sub-pixel.
        levels: integers `(batch, height, width, channels)`.
        parameters: output parameters, float32 `(batch, height, width, channels, parameters)`.
        jit_compile: True if XLA compiles the surrounding graph.

    Returns:
        float32 `(batch,)`.
    """
    if isinstance(output, Softmax) and not jit_compile:
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(levels, tf.int32), parameters)
    else:
        nats = -output.log_prob(parameters, levels)
    return tf.reduce_sum(nats, axis=(1, 2, 3))
