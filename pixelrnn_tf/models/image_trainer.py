"""Training and evaluation of a model of images by Keras: `compile`, `fit`, `evaluate` and their steps."""

import contextlib
import contextvars
import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras

from pixelrnn_tf.backend import on_cpu
from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.models.image_inputs import ImageInputs
from pixelrnn_tf.models.levels import check_levels
from pixelrnn_tf.models.likelihood import BitsPerDim, NegativeLogLikelihood, check_targets
from pixelrnn_tf.typing import Config, Structure, Tensor, TensorLike

# Losses and metrics of nats per image.
_OF_NATS = (NegativeLogLikelihood, BitsPerDim)
# A class that overrides one of these meets logits in its steps.
_STEP_METHODS = ("call", "compute_loss", "compute_metrics")
# The model that is in a step, and the targets of the step. Replicas run in threads, each with a context of its own.
_SCORED: contextvars.ContextVar[tuple[keras.Model, Tensor] | None] = contextvars.ContextVar("scored", default=None)


class ImageTrainer(ImageInputs, keras.Model):
    """A Keras model whose images are their own targets.

    With the loss and the metric of this package a step never makes the logits: `call` returns the nats of each image.
    """

    _compiled_for_nats = False

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *arguments: Any, **options: Any) -> None:
        """`keras.Model.compile`, with the negative log-likelihood as the default loss.

        Args:
            optimizer: as in Keras.
            loss: as in Keras; None for `NegativeLogLikelihood`. With another loss or metric, steps compute all logits.
            *arguments: as in Keras.
            **options: as in Keras. `jit_compile="auto"` compiles with XLA, except a PixelCNN on a CPU, whose
                convolutions are faster without.

        Raises:
            ValueError: for a cross-entropy that takes logits for probabilities.
        """
        given = inspect.signature(keras.Model.compile).bind(self, optimizer, loss, *arguments, **options).arguments
        given.pop("self")
        if loss is None and type(self).compute_loss is ImageTrainer.compute_loss:
            given["loss"] = NegativeLogLikelihood()
        _check_loss(given.get("loss"))
        if given.get("jit_compile", "auto") == "auto" and getattr(self, "block", None) == "pixel_cnn" and on_cpu():
            given["jit_compile"] = False
        super().compile(**given)
        kinds = [given.get(name) for name in ("loss", "metrics", "weighted_metrics")]
        self._compiled_for_nats = all(type(kind) in _OF_NATS for kind in keras.tree.flatten(kinds) if kind is not None)

    def get_compile_config(self) -> Config:
        """`keras.Model.get_compile_config`."""
        return super().get_compile_config()

    def compile_from_config(self, config: Config) -> None:
        """`keras.Model.compile_from_config`, which Keras leaves to classes with a `compile` of their own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def fit(self, *arguments: Any, **options: Any) -> Any:
        """`keras.Model.fit`.

        Raises:
            ValueError: for arrays, or a first batch of a dataset, that hold no levels or conditions out of range; and
                for targets that are no images.
            FloatingPointError: when the loss becomes NaN.
        """
        given = self._checked_arguments(keras.Model.fit, arguments, options)
        validation = given.get("validation_data")
        if isinstance(validation, tuple):
            self._check_data(*keras.utils.unpack_x_y_sample_weight(validation)[:2])
        elif validation is not None:
            given["validation_data"] = self._checked_dataset(validation)
        callbacks = given.get("callbacks") or []
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(_StopAtNaN())
        else:
            given["callbacks"] = [*keras.tree.flatten(callbacks), _StopAtNaN()]
        with self._batches_of_replicas("fit"):
            return super().fit(**given)

    def evaluate(self, *arguments: Any, **options: Any) -> Any:
        """`keras.Model.evaluate`.

        Raises:
            ValueError: as `fit`.
        """
        given = self._checked_arguments(keras.Model.evaluate, arguments, options)
        with self._batches_of_replicas("evaluate"):
            return super().evaluate(**given)

    def predict(self, *arguments: Any, **options: Any) -> Any:
        """`keras.Model.predict`: the logits.

        Raises:
            ValueError: for arrays, or a first batch of a dataset, that hold no levels or conditions out of range.
        """
        return super().predict(**self._checked_arguments(keras.Model.predict, arguments, options))

    def _checked_arguments(
        self, method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> dict[str, Any]:
        """The arguments of a method of Keras by name, what is known of its data checked."""
        given = inspect.signature(method).bind(self, *arguments, **options).arguments
        given.pop("self")
        given |= given.pop("kwargs", {})
        x = given.get("x")
        if not isinstance(x, list | tuple | dict) and not hasattr(x, "shape"):
            given["x"] = x if x is None else self._checked_dataset(x)
        else:
            self._check_data(x, given.get("y"))
            if given.get("sample_weight") is not None and given.get("y") is None:
                given["y"] = self.named_inputs(x)[0]  # Keras ignores weights without targets.
        return given

    def _checked_dataset(self, dataset: Any) -> Any:
        """A dataset of any kind, its first batch checked; of a generator one that begins with that batch again."""
        if hasattr(dataset, "take"):  # Of TensorFlow.
            first = next(iter(dataset.take(1)), None)
        elif isinstance(dataset, keras.utils.PyDataset):
            first = dataset[0]
        elif inspect.isgenerator(dataset):
            first = next(dataset, None)
            dataset = (batch for batch in itertools.chain([] if first is None else [first], dataset))
        else:
            return dataset
        if first is not None:
            self._check_data(*keras.utils.unpack_x_y_sample_weight(first)[:2])
        return dataset

    def _check_data(self, x: Structure, y: TensorLike | None) -> None:
        """Check what is known of inputs and targets, as a call outside a graph does.

        Raises:
            ValueError: for other shapes, fractions, numbers that are no levels, or a condition out of range.
        """
        self.split_inputs(
            keras.tree.map_structure(lambda value: value if hasattr(value, "shape") else concrete_value(value), x)
        )
        if y is not None and self._scores_nats:
            check_targets(y, self.image_shape)
            check_levels(y, self.levels, "y")

    def train_step(self, *arguments: Any) -> Any:
        """The step of Keras. On several replicas of TensorFlow every batch must divide evenly among them.

        Keras averages the mean losses of the replicas, which is the mean of the batch if each has as many images.

        Raises:
            ValueError: on several replicas, if a batch may be of another size than the others.
        """
        if self._replicas > 1 and any(value.shape[0] is None for value in keras.tree.flatten(arguments[-1])):
            raise ValueError(self._needs_equal_batches("fit"))
        with self._scoring(arguments[-1]):
            return super().train_step(*arguments)

    def test_step(self, *arguments: Any) -> Any:
        """The step of Keras."""
        with self._scoring(arguments[-1]):
            return super().test_step(*arguments)

    def compute_loss(
        self,
        x: Structure = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The loss of Keras; without targets that of the images themselves."""
        return super().compute_loss(x, self._targets(x, y), y_pred, sample_weight, training=training)

    def compute_metrics(
        self, x: Structure, y: Tensor | None, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        """The metrics of Keras; without targets those of the images themselves."""
        return super().compute_metrics(x, self._targets(x, y), y_pred, sample_weight)

    def _targets(self, x: Structure, y: Tensor | None) -> Tensor | None:
        return self.named_inputs(x)[0] if y is None and x is not None else y

    @property
    def _scores_nats(self) -> bool:
        """Whether the loss and the metrics need the nats of each image only."""
        methods = [getattr(type(self), name) for name in _STEP_METHODS]
        return self._compiled_for_nats and all(method.__module__.startswith("pixelrnn_tf.") for method in methods)

    @contextlib.contextmanager
    def _scoring(self, data: Any) -> Iterator[None]:
        """Have `scored_targets` return the targets of a step, and so `call` the nats, if that is all that is needed."""
        targets = None
        if self._scores_nats:
            x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
            targets = self._targets(x, y)
            check_targets(targets, self.image_shape)
        token = _SCORED.set(None if targets is None else (self, targets))
        try:
            yield
        finally:
            _SCORED.reset(token)

    def scored_targets(self) -> Tensor | None:
        """Targets of the step that the model is in; None outside, and in a step that needs the logits."""
        scored = _SCORED.get()
        return scored[1] if scored is not None and scored[0] is self else None

    @contextlib.contextmanager
    def _batches_of_replicas(self, method: str) -> Iterator[None]:
        """Say in plain words what Keras cannot take: a first batch of which the replicas get unequal parts."""
        try:
            yield
        except Exception as error:  # TensorFlow's, which this module does not import.
            unequal = type(error).__name__ == "InvalidArgumentError" and "must have the same size and shape" in str(
                error
            )
            if self._replicas < 2 or not unequal:
                raise
            raise ValueError(self._needs_equal_batches(method)) from error

    @property
    def _replicas(self) -> int:
        return getattr(getattr(self, "distribute_strategy", None), "num_replicas_in_sync", 1)

    def _needs_equal_batches(self, method: str) -> str:
        return (
            f"{method} on {self._replicas} replicas needs batches of one size, a multiple of {self._replicas}, or "
            "images would count unequally: batch with drop_remainder=True, or give a number of images that batch_size "
            "divides. trainers.train takes any number of images."
        )


class _StopAtNaN(keras.callbacks.Callback):
    """Raises when the loss becomes NaN."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if logs and "loss" in logs and math.isnan(float(logs["loss"])):
            raise FloatingPointError(
                f"The loss became NaN at batch {batch}: a batch holds numbers that are no levels or a condition out of "
                "range, or training diverged; then lower the learning rate or clip gradients by their norm."
            )


def _check_loss(loss: Any) -> None:
    """Check that no loss is a cross-entropy of probabilities.

    Raises:
        ValueError: if one is.
    """
    for one in keras.tree.flatten(loss):
        name = one if isinstance(one, str) else getattr(one, "__name__", getattr(one, "name", ""))
        of_logits = isinstance(one, keras.losses.Loss) and one.get_config().get("from_logits")
        if name in ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy") and not of_logits:
            raise ValueError(
                f"loss={one!r} takes the model's logits for probabilities: leave the loss out, or pass "
                "NegativeLogLikelihood() or SparseCategoricalCrossentropy(from_logits=True)."
            )
