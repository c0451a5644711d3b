"""Steps of training and evaluation in which a model returns the nats of each image, and makes no logits."""

import contextlib
import contextvars
from collections.abc import Iterator

import keras

from pixelrnn_tf.typing import Tensor

# The model that is in a step, and the targets of the step. Replicas run in threads, each with a context of its own.
_SCORED: contextvars.ContextVar[tuple[keras.Model, Tensor] | None] = contextvars.ContextVar("scored", default=None)


@contextlib.contextmanager
def scoring(model: keras.Model, targets: Tensor | None) -> Iterator[None]:
    """Have `scored_targets` return the targets for a model; None changes nothing."""
    token = _SCORED.set(None if targets is None else (model, targets))
    try:
        yield
    finally:
        _SCORED.reset(token)


def scored_targets(model: keras.Model) -> Tensor | None:
    """The targets of the step that a model is in; None outside."""
    scored = _SCORED.get()
    return scored[1] if scored is not None and scored[0] is model else None
