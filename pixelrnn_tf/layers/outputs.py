"""Distributions over the levels of a sub-pixel, and the numbers that the head gives for each of them.

A network meets its output distribution in three places: the head makes its parameters, generation reads `logits` of
them, and training reads `log_prob`, which makes no array of all levels where the distribution can do without.
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
    """A distribution over the levels of a sub-pixel, as a function of its parameters.

    To add one, write a subclass and give it a name in `OUTPUTS`. Parameters that are NaN must give NaN.

    Args:
        levels: number of values of a sub-pixel.
        mixtures: number of components, for a distribution that is a mixture.
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
        """Initializer of the bias of the layer that makes the parameters, color by color."""
        return "zeros"

    @abc.abstractmethod
    def logits(self, parameters: Tensor) -> Tensor:
        """Log-probabilities of all levels, up to a constant of each sub-pixel.

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
            levels: `(...)`, integers or whole floats. They get no gradient.

        Returns:
            nats, `(...)`; NaN for a number that is no level.
        """

    def sensitivity(self, parameters: Tensor) -> Tensor | float:
        """Upper bound of how much a logit moves per unit of a parameter, `(..., levels)` or a number for all."""
        return 1.0


class Softmax(OutputDistribution):
    """Any distribution over the levels; the parameters are the logits (paper section 2.2)."""

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

    where the first level takes all that lies below it and the last one all that lies above, so that the sum is one.
    Neighboring levels get similar probabilities, which a softmax must learn from data. Colors depend on each other
    through the masks of the network only.

    The parameters of a sub-pixel are the logits of the weights, the means on a scale where levels run from -1 to 1, and
    the logarithms of the scales on that scale, `mixtures` numbers each.

    Reference: Salimans et al. 2017, *PixelCNN++*, section 2.1.
    """

    # Scales, in levels: a component can give a level all but 7e-4 of its mass. A smaller scale would amplify rounding.
    SMALLEST_SCALE = 1 / 16
    # Logarithm of the largest scale, and the largest mean, where levels run from -1 to 1. They keep everything finite.
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
        if len(parameters.shape) == 2:  # Of one pixel: few operations count. Of a map: little memory does.
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
        """Logarithms of the weights, means in levels, and 1 / scale per level of the components along an axis."""
        weights, means, log_scales = ops.split(parameters, 3, axis=axis)
        half = (self.levels - 1) / 2
        smallest = math.log(self.SMALLEST_SCALE / half)
        rates = ops.exp(-ops.clip(log_scales, smallest, self.LARGEST_LOG_SCALE)) * (1 / half)
        means = (ops.clip(means, -self.LARGEST_MEAN, self.LARGEST_MEAN) + 1) * half
        return ops.log_softmax(weights, axis=axis), means, rates

    def _log_probs(self, means: Tensor, rates: Tensor, levels: Tensor) -> Tensor:
        """Log-probability of levels by single components.

        The mass between two points a < b is F(b) - F(a) = F(b) F(-a) (1 - exp(a - b)), of which every factor has a
        logarithm without cancellation; the open tails leave factors out.
        """
        last = self.levels - 1
        below = ops.where(levels < last, ops.softplus((means - levels - 0.5) * rates), 0.0)
        above = ops.where(levels > 0, ops.softplus((levels - 0.5 - means) * rates), 0.0)
        inside = ops.logical_and(levels > 0, levels < last)
        return ops.where(inside, ops.log(-ops.expm1(-rates)), 0.0) - below - above


OUTPUTS: dict[str, type[OutputDistribution]] = {"softmax": Softmax, "logistic_mixture": LogisticMixture}


def make_output(name: str, levels: int, mixtures: int = 5) -> OutputDistribution:
    """The output distribution of a name in `OUTPUTS`.

    Raises:
        ValueError: if there is none of that name.
    """
    if not isinstance(name, str) or name not in OUTPUTS:
        raise ValueError(f"output must be one of {sorted(OUTPUTS)}, got {name!r}.")
    return OUTPUTS[name](levels, mixtures)


def existing_levels(levels: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Levels in int32, cut to the range from 0 to `number - 1`, and whether each number was one of them, bool."""
    whole = ops.cast(levels, "int32")
    is_whole = ops.equal(ops.cast(whole, levels.dtype), levels)
    exists = ops.logical_and(is_whole, ops.logical_and(whole >= 0, whole < number))
    return ops.clip(whole, 0, number - 1), exists


@ops.custom_gradient
def log_softmax_at(logits: Tensor, levels: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
    """The logits of the given levels less the log of the sum of all exponentials; NaN for a level that does not exist.

    With a hand-written gradient: the general cross-entropy holds one more array of the size of the logits under XLA.

    Args:
        logits: `(..., levels)`.
        levels: `(...)`, of the dtype of the logits, since JAX wants a gradient for every argument. It is zero.

    Returns:
        `(...)`.
    """
    size = logits.shape[-1]
    # With an initial value, since Keras refuses the maximum over a batch without images.
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
