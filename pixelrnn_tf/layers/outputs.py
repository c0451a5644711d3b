"""Distributions over the levels of a sub-pixel, as functions of the parameters that the head computes.

The head uses the number of parameters and their bias, generation the `logits`, and training `log_prob`. The latter
avoids an array over all levels where the distribution allows it.
"""

import abc
import math
from collections.abc import Callable
from typing import Any

from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.initializers import MixtureBias
from pixelrnn_tf.typing import Tensor


class OutputDistribution(abc.ABC):
    """Base class of distributions over the levels of a sub-pixel.

    To add one, write a subclass and add it to `OUTPUTS`. NaN parameters must give NaN results.

    Args:
        levels: number of values of a sub-pixel.
        mixtures: number of components of a mixture.
    """

    def __init__(self, levels: int, mixtures: int = 5):
        self.levels = levels
        self.mixtures = checked_integer("mixtures", mixtures, 1, 256)

    @property
    @abc.abstractmethod
    def features(self) -> int:
        """Number of parameters of a sub-pixel."""

    @property
    def bias_initializer(self) -> Any:
        """Initializer of the bias of the head's last layer, color by color."""
        return "zeros"

    @abc.abstractmethod
    def logits(self, parameters: Tensor) -> Tensor:
        """Unnormalized log-probabilities of all levels.

        Args:
            parameters: `(..., features)`, float32 or float64.

        Returns:
            `(..., levels)`, finite for finite parameters.
        """

    @abc.abstractmethod
    def log_prob(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """Log-probability of one level for each sub-pixel.

        Args:
            parameters: `(..., features)`, float32 or float64.
            levels: `(...)`, integers, possibly as floats. They get no gradient.

        Returns:
            nats, `(...)`; NaN for an invalid level.
        """

    def sensitivity(self, parameters: Tensor) -> Tensor | float:
        """Upper bound of the change of a logit per unit of a parameter, `(..., levels)` or one number for all."""
        return 1.0


class Softmax(OutputDistribution):
    """A categorical distribution over the levels; the parameters are the logits (paper section 2.2)."""

    @property
    def features(self) -> int:
        return self.levels

    def logits(self, parameters: Tensor) -> Tensor:
        return parameters

    def log_prob(self, parameters: Tensor, levels: Tensor) -> Tensor:
        return log_softmax_at(parameters, ops.cast(levels, parameters.dtype))


class LogisticMixture(OutputDistribution):
    """A mixture of logistic distributions, integrated over the interval of each level.

    With F the logistic function, means m and scales s in units of one level,

        P(k) = sum over components of w (F((k + 1/2 - m) / s) - F((k - 1/2 - m) / s)),

    where the first level also takes the mass below it and the last one the mass above, so that the sum is one.
    Neighboring levels get similar probabilities, which a softmax must learn from data. Colors depend on each other only
    through the masks of the network.

    The parameters of a sub-pixel are the logits of the weights, the means, and the log scales, `mixtures` numbers each.
    Means and scales are in units in which levels run from -1 to 1.

    Reference: Salimans et al. 2017, *PixelCNN++*, section 2.1.
    """

    # In levels. At this scale a component puts all but 7e-4 of its mass on one level; a smaller one amplifies rounding.
    SMALLEST_SCALE = 1 / 16
    # Largest log scale and largest mean, in units in which levels run from -1 to 1. They keep all values finite.
    LARGEST_LOG_SCALE, LARGEST_MEAN = 7.0, 1000.0

    @property
    def features(self) -> int:
        return 3 * self.mixtures

    @property
    def bias_initializer(self) -> MixtureBias:
        return MixtureBias(self.mixtures)

    def logits(self, parameters: Tensor) -> Tensor:
        levels = ops.arange(self.levels, dtype=parameters.dtype)
        weights, means, rates = self._components(parameters[..., None])
        if len(parameters.shape) == 2:  # One pixel: use few operations. A map: use little memory.
            return ops.logsumexp(weights + self._log_probs(means, rates, levels), axis=-2)
        total = None
        for k in range(self.mixtures):
            term = weights[..., k, :] + self._log_probs(means[..., k, :], rates[..., k, :], levels)
            total = term if total is None else ops.logaddexp(total, term)
        return total

    def log_prob(self, parameters: Tensor, levels: Tensor) -> Tensor:
        whole, exists = existing_levels(levels, self.levels)
        level = ops.cast(whole, parameters.dtype)[..., None]
        weights, means, rates = self._components(parameters, axis=-1)
        log_probs = ops.logsumexp(weights + self._log_probs(means, rates, level), axis=-1)
        return ops.where(exists, log_probs, float("nan"))

    def sensitivity(self, parameters: Tensor) -> Tensor:
        levels, logits = ops.arange(self.levels, dtype=parameters.dtype), self.logits(parameters)
        weights, means, rates = self._components(parameters[..., None])
        total = 1.0
        for k in range(self.mixtures):
            mean, rate = means[..., k, :], rates[..., k, :]
            share = ops.exp(weights[..., k, :] + self._log_probs(mean, rate, levels) - logits)
            total = total + share * rate * ((self.levels - 1) / 2)
        return total

    def _components(self, parameters: Tensor, axis: int = -2) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights, means in levels, and inverse scales per level of the components along an axis."""
        weights, means, log_scales = ops.split(parameters, 3, axis=axis)
        half = (self.levels - 1) / 2
        smallest = math.log(self.SMALLEST_SCALE / half)
        rates = ops.exp(-ops.clip(log_scales, smallest, self.LARGEST_LOG_SCALE)) * (1 / half)
        means = (ops.clip(means, -self.LARGEST_MEAN, self.LARGEST_MEAN) + 1) * half
        return ops.log_softmax(weights, axis=axis), means, rates

    def _log_probs(self, means: Tensor, rates: Tensor, levels: Tensor) -> Tensor:
        """Log-probability of levels under each component.

        The mass between two points a < b is F(b) - F(a) = F(b) F(-a) (1 - exp(a - b)). Every factor has a logarithm
        without cancellation; the open tails leave factors out.
        """
        last = self.levels - 1
        below = ops.where(levels < last, ops.softplus((means - levels - 0.5) * rates), 0.0)
        above = ops.where(levels > 0, ops.softplus((levels - 0.5 - means) * rates), 0.0)
        inside = ops.logical_and(levels > 0, levels < last)
        return ops.where(inside, ops.log(-ops.expm1(-rates)), 0.0) - below - above


OUTPUTS: dict[str, type[OutputDistribution]] = {"softmax": Softmax, "logistic_mixture": LogisticMixture}


def make_output(name: str, levels: int, mixtures: int = 5) -> OutputDistribution:
    """Make the output distribution with a name in `OUTPUTS`.

    Raises:
        ValueError: if the name is unknown.
    """
    if not isinstance(name, str) or name not in OUTPUTS:
        raise ValueError(f"output must be one of {sorted(OUTPUTS)}, got {name!r}.")
    return OUTPUTS[name](levels, mixtures)


def existing_levels(levels: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Clip levels to `[0, number)` as int32, and return for each if it was valid, as bool."""
    whole = ops.cast(levels, "int32")
    is_whole = ops.equal(ops.cast(whole, levels.dtype), levels)
    exists = ops.logical_and(is_whole, ops.logical_and(whole >= 0, whole < number))
    return ops.clip(whole, 0, number - 1), exists


@ops.custom_gradient
def log_softmax_at(logits: Tensor, levels: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
    """Log-softmax of the logits at the given levels; NaN for an invalid level.

    The gradient is written by hand: under XLA the general cross-entropy holds one more array of the size of the logits.

    Args:
        logits: `(..., levels)`.
        levels: `(...)`, in the dtype of the logits, since JAX requires a gradient for every argument. It is zero.

    Returns:
        `(...)`.
    """
    size = logits.shape[-1]
    # The initial value is needed because Keras rejects the maximum over an empty batch.
    highest = ops.max(logits, axis=-1, keepdims=True, initial=float("-inf"))
    log_sum = highest + ops.log(ops.sum(ops.exp(logits - highest), axis=-1, keepdims=True))
    index, exists = existing_levels(levels[..., None], size)

    def gradient(*upstream: Tensor) -> tuple[Tensor, Tensor]:
        (d,) = upstream
        d = d[..., None]
        at_level = ops.logical_and(exists, ops.equal(index, ops.arange(size, dtype="int32")))
        return ops.where(at_level, d, 0.0) - d * ops.exp(logits - log_sum), ops.zeros_like(levels)

    log_probs = ops.take_along_axis(logits, index, axis=-1) - log_sum
    return ops.where(exists, log_probs, float("nan"))[..., 0], gradient
