"""Loss and gradients of a batch on one replica."""

from collections.abc import Callable

import tensorflow as tf

from pixelrnn_tf.data.image_data import images_and_condition
from pixelrnn_tf.models import ImageModel
from pixelrnn_tf.training.dropout import parameters_with_dropout
from pixelrnn_tf.training.loss import nats_per_image

LossAndGradients = tuple[tf.Tensor, list[tf.Tensor]]


def loss_and_gradients(
    model: ImageModel, accumulation: int = 1, jit_compile: bool = False, dropout: float = 0.0
) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], LossAndGradients]:
    """Make a function that computes the contribution of images to the mean loss of a global batch, and its gradients.

    Args:
        model: the network.
        accumulation: number of parts in which the images are computed one after another, to save memory.
        jit_compile: compile the function with XLA.
        dropout: dropout rate, see `pixelrnn_tf.training.dropout`; 0 for none.

    Returns:
        a `tf.function` of four arguments. `images`: integer levels `(batch, height, width, channels)` with a static
        batch size that is a multiple of `accumulation`, or a dictionary of "images" and "condition". `origin`: int32
        `(batch, 3)`, the origin of the dropout masks. `count`: number of images of the global batch, float32. `scale`:
        factor for the gradients, float32. It returns the sum of the images' nats divided by `count`, and the gradients
        of `scale` times that with respect to the trainable variables.
    """

    def of_images(images, origin, count, scale):
        with tf.GradientTape() as tape:
            if dropout:
                parameters = parameters_with_dropout(model, images, origin, dropout)
            else:
                parameters = model.output_parameters(*model.split_inputs(images))
            levels, _ = images_and_condition(images)
            loss = tf.reduce_sum(nats_per_image(model.output_distribution, levels, parameters, jit_compile)) / count
            scaled = loss * scale
        return loss, tape.gradient(scaled, model.trainable_variables)

    def accumulated(images, origin, count, scale):
        chunks = tf.nest.map_structure(lambda x: tf.reshape(x, (accumulation, -1, *x.shape[1:])), (images, origin))

        def add(k, loss, gradients):
            more, its_gradients = of_images(*tf.nest.map_structure(lambda x: x[k], chunks), count, scale)
            return k + 1, loss + more, [a + b for a, b in zip(gradients, its_gradients, strict=True)]

        zeros = [tf.zeros(v.shape, v.dtype) for v in model.trainable_variables]
        # A loop, since independent chunks might be computed, and kept in memory, all at once.
        _, loss, gradients = tf.while_loop(
            lambda k, *_: k < accumulation,
            add,
            (0, tf.constant(0.0), zeros),
            parallel_iterations=1,
            maximum_iterations=accumulation,
        )
        return loss, gradients

    return tf.function(of_images if accumulation == 1 else accumulated, jit_compile=jit_compile, autograph=False)


def sum_of_parts(parts: list[LossAndGradients]) -> LossAndGradients:
    """Sum the losses and gradients of parts of the images."""
    losses, gradients = zip(*parts, strict=True)
    return tf.add_n(losses), [tf.add_n(of_parts) for of_parts in zip(*gradients, strict=True)]
