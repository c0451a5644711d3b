"""Draw images together with log-probabilities that have gradients, for REINFORCE and variational free energies."""

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.models.compilation import run_compiled
from pixelrnn_tf.models.image_model import ImageModel
from pixelrnn_tf.sampling.generation import generate
from pixelrnn_tf.sampling.noise import image_noise, image_seeds
from pixelrnn_tf.sampling.seeds import stateless_seed
from pixelrnn_tf.typing import Tensor, TensorLike


def sample_and_log_prob(
    model: ImageModel, num_images: int, seed: TensorLike, condition: TensorLike | None = None
) -> tuple[Tensor, Tensor]:
    """Draw images and compute their log-probabilities, which have gradients with respect to the weights.

    Drawing and scoring run in one graph: drawing is incremental and has no gradient, and one parallel pass scores the
    images. For any function f of images, the gradient of the mean of `f(images)`, stopped, times `log_prob` is an
    unbiased estimate of the gradient of the expectation of f (REINFORCE, Williams 1992).

    Args:
        model: the network.
        num_images: number of images, at least 1.
        seed: integer, or a pair of integers. Image k depends only on the seed and k.
        condition: input of the model's conditioner, `(num_images, ...)`; required if the model is conditional.

    Returns:
        `(images, log_prob)`: int32 levels `(num_images, height, width, channels)`, and nats, float32 `(num_images,)`.

    Raises:
        ValueError: for a condition that does not fit the model.

    Example:

    >>> from pixelrnn_tf.models import PixelRNN
    >>> model = PixelRNN((4, 4, 1), levels=2, block="pixel_cnn", num_blocks=1, hidden=4, head_hidden=4)
    >>> images, log_prob = sample_and_log_prob(model, 5, seed=0)
    >>> images.shape, log_prob.shape
    (TensorShape([5, 4, 4, 1]), TensorShape([5]))
    """
    index = ops.arange(checked_integer("num_images", num_images, 1), dtype="int32")
    noise = ops.convert_to_tensor(image_noise(image_seeds(stateless_seed(seed), index), model.image_shape))
    condition = model.convert_condition(condition)
    model.check_inputs(noise, condition, name="num_images")
    return run_compiled(_drawn_and_scored, model, {"noise": noise, "condition": condition})


def _drawn_and_scored(model: ImageModel, noise: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
    fixed = [(weight, ops.stop_gradient(ops.convert_to_tensor(weight.value))) for weight in model.weights]
    with keras.StatelessScope(state_mapping=fixed):
        images = generate(model, noise, condition=condition)
    return images, ops.sum(model.log_prob_of(images, images, condition), axis=(1, 2, 3))
