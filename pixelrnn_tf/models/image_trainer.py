"""Training and evaluation of image models with Keras: `compile`, `fit`, `evaluate` and their steps."""

import contextlib
import contextvars
import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras

from pixelrnn_tf.backend import on_cpu, with_shape
from pixelrnn_tf.concrete_value import concrete_value
from pixelrnn_tf.models.image_inputs import ImageInputs
from pixelrnn_tf.models.levels import check_levels
from pixelrnn_tf.models.likelihood import BitsPerDim, NegativeLogLikelihood, check_targets
from pixelrnn_tf.typing import Config, Structure, Tensor, TensorLike

# Losses and metrics that accept nats per image instead of logits.
_OF_NATS = (NegativeLogLikelihood, BitsPerDim)
# A class that overrides one of these gets logits in its steps.
_STEP_METHODS = ("call", "compute_loss", "compute_metrics")
# The model that runs a step, and the targets of the step. Replicas run in threads with separate contexts.
_SCORED: contextvars.ContextVar[tuple[keras.Model, Tensor] | None] = contextvars.ContextVar("scored", default=None)


class ImageTrainer(ImageInputs, keras.Model):
    """A Keras model whose images are their own targets.

    With this package's loss and metric a step never computes the logits: `call` returns the nats of each image.
    """

    _compiled_for_nats = False

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *arguments: Any, **options: Any) -> None:
        """Configure training as `keras.Model.compile` does, with the negative log-likelihood as the default loss.

        Args:
            optimizer: as in Keras.
            loss: as in Keras; None for `NegativeLogLikelihood`. With other losses or metrics, steps compute all logits.
            *arguments: as in Keras.
            **options: as in Keras. `jit_compile="auto"` uses XLA, except for a PixelCNN on a CPU with
                TensorFlow, whose convolutions are faster without it.

        Raises:
            ValueError: for a cross-entropy that would treat the logits as probabilities.
        """
        given = inspect.signature(keras.Model.compile).bind(self, optimizer, loss, *arguments, **options).arguments
        given.pop("self")
        if loss is None and type(self).compute_loss is ImageTrainer.compute_loss:
            given["loss"] = NegativeLogLikelihood()
        _check_loss(given.get("loss"))
        # Not on JAX, where this would mean no graph at all.
        without_xla = keras.backend.backend() == "tensorflow" and getattr(self, "block", None) == "pixel_cnn"
        if given.get("jit_compile", "auto") == "auto" and without_xla and on_cpu():
            given["jit_compile"] = False
        super().compile(**given)
        kinds = [given.get(name) for name in ("loss", "metrics", "weighted_metrics")]
        self._compiled_for_nats = all(type(kind) in _OF_NATS for kind in keras.tree.flatten(kinds) if kind is not None)

    def get_compile_config(self) -> Config:
        """Same as `keras.Model.get_compile_config`."""
        return super().get_compile_config()

    def compile_from_config(self, config: Config) -> None:
        """Same as `keras.Model.compile_from_config`, which Keras leaves to classes that override `compile`."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def fit(self, *arguments: Any, **options: Any) -> Any:
        """Train as `keras.Model.fit` does.

        Raises:
            ValueError: if an array, or the first batch of a dataset, holds invalid levels or conditions, or if targets
                are not images.
            FloatingPointError: if the loss becomes NaN.
        """
        given = self._checked_arguments(keras.Model.fit, arguments, options)
        validation = given.get("validation_data")
        if validation is not None and _are_arrays(validation):
            x, y, weights = keras.utils.unpack_x_y_sample_weight(validation)
            self._check_data(x, y)
            given["validation_data"] = (x, self._weighted_targets(x, y, weights), weights)
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
        """Evaluate as `keras.Model.evaluate` does.

        Raises:
            ValueError: see `fit`.
        """
        given = self._checked_arguments(keras.Model.evaluate, arguments, options)
        with self._batches_of_replicas("evaluate"):
            return super().evaluate(**given)

    def predict(self, *arguments: Any, **options: Any) -> Any:
        """Compute logits as `keras.Model.predict` does.

        Raises:
            ValueError: if an array, or the first batch of a dataset, holds invalid levels or conditions.
        """
        return super().predict(**self._checked_arguments(keras.Model.predict, arguments, options))

    def _checked_arguments(
        self, method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> dict[str, Any]:
        """Bind the arguments of a Keras method by name, and check known data."""
        given = inspect.signature(method).bind(self, *arguments, **options).arguments
        given.pop("self")
        given |= given.pop("kwargs", {})
        if given.get("class_weight") is not None:
            raise ValueError(
                "class_weight weighs targets that are classes, but the targets are images. For weights by label, pass "
                "sample_weight=weights[labels]."
            )
        x = given.get("x")
        if _are_arrays(x):
            self._check_data(x, given.get("y"))
            if given.get("sample_weight") is not None:
                given["y"] = self._weighted_targets(x, given.get("y"), given["sample_weight"])
        elif x is not None:
            given["x"] = self._checked_dataset(x)
        return given

    def _weighted_targets(self, x: Structure, y: TensorLike | None, weights: TensorLike | None) -> TensorLike | None:
        """Targets for Keras, which ignores weights without targets."""
        return self.named_inputs(x)[0] if y is None and weights is not None else y

    def _checked_dataset(self, dataset: Any) -> Any:
        """Check the first batch of a dataset; of a generator, return one that yields that batch again."""
        if hasattr(dataset, "take"):  # A tf.data.Dataset.
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
        """Check known inputs and targets, as a call outside a graph does.

        Raises:
            ValueError: for shapes that do not fit, fractions, invalid levels, or a condition out of range.
        """
        if y is not None and self._scores_nats:
            check_targets(y, self.image_shape)  # First: fit(images, labels) lacks a condition too.
            check_levels(y, self.levels, "y")
        self.split_inputs(
            keras.tree.map_structure(lambda value: value if hasattr(value, "shape") else concrete_value(value), x)
        )

    def train_step(self, *arguments: Any) -> Any:
        """Run Keras's training step. On several TensorFlow replicas every batch must divide evenly among them.

        Keras averages the mean losses of the replicas, which is the mean of the batch if each has the same number of
        images.

        Raises:
            ValueError: on several replicas, if batch sizes may differ.
        """
        if self._replicas > 1 and any(value.shape[0] is None for value in keras.tree.flatten(arguments[-1])):
            raise ValueError(self._needs_equal_batches("fit"))
        with self._scoring(arguments[-1]):
            return super().train_step(*arguments)

    def test_step(self, *arguments: Any) -> Any:
        """Run Keras's test step."""
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
        """Compute Keras's loss; without targets, the images are the targets."""
        return super().compute_loss(x, self._targets(x, y), y_pred, sample_weight, training=training)

    def compute_metrics(
        self, x: Structure, y: Tensor | None, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        """Compute Keras's metrics; without targets, the images are the targets."""
        return super().compute_metrics(x, self._targets(x, y), y_pred, sample_weight)

    def _targets(self, x: Structure, y: Tensor | None) -> Tensor | None:
        targets = self.named_inputs(x)[0] if y is None and x is not None else y
        if targets is None or not self._scores_nats:
            return targets
        check_targets(targets, self.image_shape)
        return with_shape(targets, self.image_shape)

    @property
    def _scores_nats(self) -> bool:
        """True if the loss and the metrics only need the nats of each image."""
        methods = [getattr(type(self), name) for name in _STEP_METHODS]
        return self._compiled_for_nats and all(method.__module__.startswith("pixelrnn_tf.") for method in methods)

    @contextlib.contextmanager
    def _scoring(self, data: Any) -> Iterator[None]:
        """Make `scored_targets` return the targets of a step, and `call` the nats, if nothing else is needed."""
        targets = None
        if self._scores_nats:
            x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
            targets = self._targets(x, y)
        token = _SCORED.set(None if targets is None else (self, targets))
        try:
            yield
        finally:
            _SCORED.reset(token)

    def scored_targets(self) -> Tensor | None:
        """Targets of the current step; None outside of a step and in a step that needs the logits."""
        scored = _SCORED.get()
        return scored[1] if scored is not None and scored[0] is self else None

    @contextlib.contextmanager
    def _batches_of_replicas(self, method: str) -> Iterator[None]:
        """Explain the error that Keras raises when the replicas get unequal parts of a batch."""
        try:
            yield
        except Exception as error:  # A TensorFlow error; this module does not import TensorFlow.
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
            f"{method} on {self._replicas} replicas needs batches of equal size, a multiple of {self._replicas}, to "
            "weight all images equally. Batch with drop_remainder=True, or pass a number of images that is a multiple "
            "of batch_size. trainers.train takes any number of images."
        )


def _are_arrays(data: Any) -> bool:
    """True for an array, and for arrays in a list, a tuple or a dictionary; False for a dataset or a generator."""
    return isinstance(data, list | tuple | dict) or hasattr(data, "shape")


class _StopAtNaN(keras.callbacks.Callback):
    """Raise an error when the loss becomes NaN."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if logs and "loss" in logs and math.isnan(float(logs["loss"])):
            raise FloatingPointError(
                f"The loss became NaN at batch {batch}: a batch holds invalid levels or a condition out of range, or "
                "training diverged. In the latter case, lower the learning rate or clip gradients by their norm."
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
                f"loss={one!r} would treat the model's logits as probabilities: omit the loss, or pass "
                "NegativeLogLikelihood() or SparseCategoricalCrossentropy(from_logits=True)."
            )
