"""Joint distribution of all sub-pixels of an image."""

from collections.abc import Callable
from typing import Any, NoReturn

import tensorflow as tf
import tensorflow_probability as tfp

from pixelrnn_tf.distributions.discretized_categorical import FractionsKept, level_assertions
from pixelrnn_tf.models import ImageModel, log_prob
from pixelrnn_tf.models.levels import check_whole
from pixelrnn_tf.sampling import check_temperature, generate, image_noise, image_seeds, restore, stateless_seed
from pixelrnn_tf.typing import TensorLike


class PixelDistribution(FractionsKept, tfp.distributions.Distribution):
    """Distribution of images that a single-scale or multi-scale `PixelRNN` defines (paper section 2.1, Eq. 1 and 2).

    `log_prob` is exact and takes one pass. It is NaN for an image with an invalid level; known fractions raise an
    error. `sample(shape, seed, temperature=1.0)` draws pixel by pixel, with about the operations of one pass. A seed is
    an integer, a pair of integers, or None; the temperature broadcasts to the batch shape. The variables of the model
    are those of the distribution. Images are drawn in float32, but a model with a half-precision dtype policy scores
    them in its own precision, so the two agree only to that precision.

    Args:
        model: the network.
        condition: input of the model's conditioner: labels `batch_shape`, or maps
            `batch_shape + (height, width, condition_features)`; required if the model is conditional. Its leading axes
            are the batch shape, which is otherwise empty.
        validate_args: check in `log_prob` that images hold integers in `[0, levels)`.
        allow_nan_stats: as in every distribution; this one has no statistics.
        name: name of the distribution.

    Raises:
        TypeError: if the model is neither a `PixelRNN` nor a `MultiScalePixelRNN`.
        ValueError: for a condition that does not fit the model.

    Example:

    >>> from pixelrnn_tf.models import PixelRNN
    >>> distribution = PixelDistribution(PixelRNN((3, 4, 1), 2, "row_lstm", num_blocks=1, hidden=4, head_hidden=4))
    >>> images = distribution.sample(16, seed=(0, 1))
    >>> images.shape, images.dtype
    (TensorShape([16, 3, 4, 1]), tf.int32)
    >>> distribution.log_prob(images).shape
    TensorShape([16])
    """

    def __init__(
        self,
        model: ImageModel,
        condition: TensorLike | None = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "PixelDistribution",
    ):
        parameters = dict(locals())
        if not isinstance(model, ImageModel):
            raise TypeError(f"PixelDistribution takes a pixelrnn_tf.PixelRNN, got {_description(model)}.")
        with tf.name_scope(name) as name:
            self._model = model
            # Keep a variable, and read it whenever it is used.
            as_it_is = condition is None or isinstance(condition, tf.Variable)
            self._condition = condition if as_it_is else tf.convert_to_tensor(condition, name="condition")
            takes = model.condition_format
            self._condition_axes = 0 if takes is None else len(takes.shape)
            flat = None if condition is None else _flatten(self.condition, self._condition_axes)
            model.check_inputs(tf.TensorSpec((None, *model.image_shape)), flat)
            # tf.Module finds variables in lists of its attributes; it does not look into Keras models.
            self._weights = [weight.value for weight in model.weights]
            super().__init__(
                dtype=tf.int32,
                reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype: Any, num_classes: Any = None) -> dict[str, Any]:
        axes = tfp.util.ParameterProperties(
            event_ndims=lambda self: self._condition_axes, default_constraining_bijector_fn=None
        )
        return {"condition": axes}

    @property
    def model(self) -> ImageModel:
        """The network."""
        return self._model

    @property
    def condition(self) -> tf.Tensor | None:
        """Input of the model's conditioner, or None."""
        if self._condition is None:
            return None
        return self.model.convert_condition(tf.convert_to_tensor(self._condition))

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape(self.model.image_shape)

    def _event_shape_tensor(self) -> tf.Tensor:
        return tf.constant(self.model.image_shape, tf.int32)

    def _log_prob(self, images: TensorLike) -> tf.Tensor:
        images = self._checked_images(images, "value")
        leading = tf.shape(images)[:-3]
        if self.condition is not None:
            leading = tf.broadcast_dynamic_shape(leading, self.batch_shape_tensor())
        flat = _flatten(self._broadcast(images, leading), 3)
        condition = self._flat_condition(leading)
        return tf.reshape(log_prob(self.model, flat, condition), leading)

    def _sample_n(self, n: Any, seed: TensorLike | None = None, temperature: TensorLike = 1.0) -> tf.Tensor:
        return self._draw(n, seed, temperature)[0]

    def _sample_and_log_prob(
        self, sample_shape: Any, seed: TensorLike | None, temperature: TensorLike = 1.0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return images and the model's own log-probability, whatever the temperature."""
        number = tf.reduce_prod(tf.convert_to_tensor(sample_shape, tf.int32))
        images, log_prob = self._draw(number, seed, temperature, return_log_prob=True)
        return (
            tf.reshape(images, tf.concat([sample_shape, tf.shape(images)[1:]], 0)),
            tf.reshape(log_prob, tf.concat([sample_shape, tf.shape(log_prob)[1:]], 0)),
        )

    def _draw(
        self, n: Any, seed: TensorLike | None, temperature: TensorLike, return_log_prob: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Draw `n` images for every element of the batch, each from its own seed."""
        check_temperature(temperature)
        leading = tf.concat([[n], self.batch_shape_tensor()], 0)
        drawn = self._generate(leading, seed, temperature, return_log_prob=return_log_prob)
        images, log_prob = drawn if return_log_prob else (drawn, None)
        images = tf.reshape(images, tf.concat([leading, self.model.image_shape], 0))
        return images, None if log_prob is None else tf.reshape(log_prob, leading)

    def complete(
        self,
        images: TensorLike,
        known: TensorLike,
        seed: TensorLike | None = None,
        sample_shape: Any = (),
        temperature: TensorLike = 1.0,
    ) -> tf.Tensor:
        """Draw the unknown pixels of images, each given all earlier pixels in raster order.

        Known pixels are kept, and later pixels are drawn given them. Earlier pixels are drawn without them, so the
        result is a sample of the conditional distribution only if the unknown pixels come last, such as the lower half
        of an image.

        Args:
            images: integer levels `(..., height, width, channels)`, only read at known pixels.
            known: `(..., height, width)`, broadcasts to the images: True or nonzero at known pixels.
            seed: same as in `sample`.
            sample_shape: number of completions of every image.
            temperature: divisor of the logits; broadcasts to `sample_shape + (...,)`.

        Returns:
            int32 levels `sample_shape + (..., height, width, channels)`.

        Raises:
            ValueError: for shapes that do not fit, or images with fractions.
        """
        check_temperature(temperature)
        images = tf.cast(self._checked_images(images, "images"), tf.int32)
        known = tf.cast(tf.convert_to_tensor(known), tf.bool)
        if known.shape.rank is not None and known.shape[-2:] != self.model.image_shape[:2]:
            raise ValueError(f"known must have the shape (..., {self.model.image_shape[:2]}); got {known.shape}.")
        leading = tf.broadcast_dynamic_shape(tf.shape(images)[:-3], self.batch_shape_tensor())
        leading = tf.concat([tf.reshape(tf.cast(sample_shape, tf.int32), [-1]), leading], 0)
        known = tf.broadcast_to(known, tf.concat([leading, self.model.image_shape[:2]], 0))
        flat = {"images": _flatten(self._broadcast(images, leading), 3), "known": _flatten(known, 2)}
        completed = self._generate(leading, seed, temperature, **flat)
        return tf.reshape(completed, tf.concat([leading, self.model.image_shape], 0))

    def restore(
        self,
        images: TensorLike,
        threshold: TensorLike,
        seed: TensorLike | None = None,
        temperature: TensorLike = 1.0,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draw again every sub-pixel that is more surprising than a threshold, such as defects and noise.

        One pass in raster order: a sub-pixel is kept if its surprise, -log2 p(sub-pixel | earlier restored sub-pixels),
        is at most the threshold. See `pixelrnn_tf.sampling.restore`.

        Args:
            images: integer levels `(..., height, width, channels)`.
            threshold: greatest surprise of a sub-pixel to keep, in bits, at least 0; broadcasts to the batch `(...)`.
            seed: same as in `sample`.
            temperature: divisor of the logits for redrawn sub-pixels; broadcasts to the batch `(...)`.

        Returns:
            `(restored, redrawn)`: int32 levels and bool, `(..., height, width, channels)`. A redrawn sub-pixel can get
            the level that it had.

        Raises:
            ValueError: for shapes that do not fit, invalid levels, or a threshold below 0.
        """
        images = self._checked_images(images, "images")
        leading = tf.broadcast_dynamic_shape(tf.shape(images)[:-3], self.batch_shape_tensor())
        drawn = self._generate(
            leading,
            seed,
            temperature,
            restore,
            images=_flatten(self._broadcast(images, leading), 3),
            threshold=_one_per_image(threshold, leading),
        )
        shape = tf.concat([leading, self.model.image_shape], 0)
        return tf.reshape(drawn[0], shape), tf.reshape(drawn[1], shape)

    def _generate(
        self,
        leading: tf.Tensor,
        seed: TensorLike | None,
        temperature: TensorLike,
        function: Callable[..., Any] = generate,
        **rest: Any,
    ) -> Any:
        """Draw images with the batch axes `leading` as one batch: image k depends only on the seed and k."""
        # The seed is drawn when a graph runs, not when it is traced.
        pair = tfp.random.sanitize_seed(None) if seed is None else stateless_seed(seed)
        return function(
            self.model,
            image_noise(image_seeds(pair, tf.range(tf.reduce_prod(leading))), self.model.image_shape),
            temperature=_one_per_image(temperature, leading),
            condition=self._flat_condition(leading),
            **rest,
        )

    def _checked_images(self, images: TensorLike, name: str) -> tf.Tensor:
        """Check the shape of images, and their values if they are known or `validate_args` is set."""
        images = tf.convert_to_tensor(images)
        expected = self.model.image_shape
        if images.shape.rank is not None and (
            images.shape.rank < 3 or not images.shape[-3:].is_compatible_with(expected)
        ):
            raise ValueError(f"{name} must hold images (..., {', '.join(map(str, expected))}); got {images.shape}.")
        if not self.validate_args:
            check_whole(images, name)
            return images
        with tf.control_dependencies(level_assertions(images, self.model.levels, name)):
            return tf.identity(images)

    def _broadcast(self, images: tf.Tensor, leading: tf.Tensor) -> tf.Tensor:
        return tf.broadcast_to(images, tf.concat([leading, tf.shape(images)[-3:]], 0))

    def _flat_condition(self, leading: tf.Tensor) -> tf.Tensor | None:
        condition, axes = self.condition, self._condition_axes
        if condition is None:
            return None
        shape = condition.shape[condition.shape.rank - axes :]
        return _flatten(tf.broadcast_to(condition, tf.concat([leading, shape], 0)), axes)

    def _no_statistic(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            "The joint distribution of all sub-pixels has no closed-form statistics: no mean, mode, variance, entropy "
            "or cumulative distribution. Estimate them from images: mean = tf.reduce_mean(tf.cast(d.sample(n), "
            "tf.float32), 0), entropy = -tf.reduce_mean(d.log_prob(d.sample(n))); d.sample(n, temperature=0.01) draws "
            "likely images. The distribution of every sub-pixel given the earlier ones has all of them: "
            "discretized_categorical(model(images))."
        )

    _mean = _mode = _variance = _stddev = _covariance = _entropy = _no_statistic
    _cdf = _log_cdf = _survival_function = _log_survival_function = _quantile = _no_statistic


def _description(value: object) -> str:
    """Describe a value by its type, for error messages."""
    return f"a {type(value).__module__.split('.')[0]} {type(value).__name__}"


def _one_per_image(number: TensorLike, leading: tf.Tensor) -> tf.Tensor:
    """Broadcast a number to the batch axes `leading`, as one axis."""
    return tf.reshape(tf.broadcast_to(tf.cast(number, tf.float32), leading), [-1])


def _flatten(tensor: tf.Tensor, event_axes: int) -> tf.Tensor:
    """Merge all but the last axes, whose sizes are static, into one batch axis."""
    return tf.reshape(tensor, (-1, *tensor.shape[tensor.shape.rank - event_axes :]))
