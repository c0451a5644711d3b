"""Dropout of the blocks in training, independent of the devices and parts that compute a batch."""

import tensorflow as tf
from keras import ops

from pixelrnn_tf.layers.composition import Part, on_maps
from pixelrnn_tf.models import ImageModel, PixelRNN
from pixelrnn_tf.sampling import image_noise, image_seeds
from pixelrnn_tf.typing import Structure


def origins(seed: int, step: tf.Tensor, first: tf.Tensor, images: int) -> tf.Tensor:
    """Make the origin of the dropout masks of each image of a step, independent of devices and parts.

    Args:
        seed: seed of the run, below 2**32.
        step: number of the step, int64.
        first: index of the first image within the global batch, int32.
        images: number of images.

    Returns:
        int32 `(images, 3)`: seed minus 2**31, step, index within the global batch.
    """
    same = tf.stack([tf.constant(seed - 2**31, tf.int32), tf.cast(step, tf.int32)])
    return tf.concat([tf.tile(same[None], (images, 1)), (first + tf.range(images))[:, None]], axis=1)


def parameters_with_dropout(model: ImageModel, images: Structure, origin: tf.Tensor, rate: float) -> tf.Tensor:
    """Compute the output parameters of a network with dropout in each block.

    A feature is dropped at all positions of an image, so a recurrence sees the same features throughout. Dropout
    applies to the output of a residual branch; the input of the block is kept. Remaining features are scaled by
    `1 / (1 - rate)`.

    Args:
        model: the network.
        images: inputs of the model: integer levels `(batch, height, width, channels)`, or a dictionary with their
            conditions.
        origin: int32 `(batch, 3)` from `origins`; the mask of an image depends only on its own row.
        rate: probability that a feature is dropped, in [0, 1).

    Returns:
        float32 `(batch, height, width, channels, parameters)`.
    """
    seeds = image_seeds(origin[0, :2], origin[:, 2])
    networks = [scale.network for scale in model.scales()]
    blocks = [block for network in networks for block in network.blocks]
    kept = _kept(seeds, len(blocks), 2 * networks[0].hidden, rate)

    def run(network: PixelRNN, images: tf.Tensor, condition: tf.Tensor | None) -> tf.Tensor:
        whole = on_maps(None if network.conditioner is None else network.conditioner(condition))

        def apply(part: Part, x: tf.Tensor) -> tf.Tensor:
            if part not in blocks:
                return whole(part, x)
            factors = ops.cast(kept[:, None, None, blocks.index(part)], x.dtype)
            outputs = part.transform(x, whole) * factors
            return x + outputs if part.residual else outputs

        return ops.cast(network.compose(network.stem_inputs(images), apply), "float32")

    return model.compose_scales(*model.split_inputs(images), run)


def _kept(seeds: tf.Tensor, blocks: int, features: int, rate: float) -> tf.Tensor:
    """Dropout factors: 0 for dropped features, `1 / (1 - rate)` for the others: float32 `(batch, blocks, features)`."""
    noise = image_noise(seeds, (blocks, features, 1))[..., 0]
    return ops.where(noise >= rate, 1.0 / (1.0 - rate), 0.0)
