"""A Keras model of images as a Keras user meets it: what goes in, what it is trained on, how it is exported."""

import contextlib
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self, TypeAlias

import keras
from keras import ops

from pixelrnn_tf.layers.conditioning import Conditioner, ConditionFormat
from pixelrnn_tf.layers.outputs import OutputDistribution
from pixelrnn_tf.models.levels import check_whole
from pixelrnn_tf.models.likelihood import BitsPerDim, NegativeLogLikelihood
from pixelrnn_tf.models.preset_files import check_overrides, read_config, read_weights, save_preset
from pixelrnn_tf.models.presets import Preset, get_preset
from pixelrnn_tf.models.scoring import scored_targets, scoring
from pixelrnn_tf.typing import Config, DType, ImageShape, Shape, Structure, Tensor, TensorLike
from pixelrnn_tf.zoo import find_preset, shipped_presets


class Scale(NamedTuple):
    """One of the sizes at which a model draws an image, from small to large; a `PixelRNN` has one.

    Attributes:
        network: a `PixelRNN` of every `stride`-th pixel. That of the first scale is given the model's condition, that
            of another one the image of the scale before.
        stride: 1 for the last scale.
    """

    network: Any
    stride: int


# From a network, its images and its condition to a map of it.
RunNetwork: TypeAlias = Callable[[Any, Tensor, Tensor | None], Tensor]


# Losses and metrics of nats per image.
_OF_NATS = (NegativeLogLikelihood, BitsPerDim)
# A class that overrides one of these meets logits in its steps.
_STEP_METHODS = ("call", "compute_loss", "compute_metrics")


class ImageModel(keras.Model):
    """What every model of images has in common, whatever its network.

    Its inputs are images, or images and a condition, of which the conditioner alone knows what it is. Images are their
    own targets: `fit(x)` trains on x, and so do `evaluate`, `train_on_batch` and the rest.

    Attributes:
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel.
        condition_features: features of the conditioning map; 0 for none.
        conditioner: the layer that makes the conditioning map of a condition; None for a model without.
    """

    image_shape: ImageShape
    levels: int
    condition_features: int = 0
    conditioner: Conditioner | None = None
    _compiled_for_nats = False
    presets: dict[str, Preset] | None = None

    def scales(self) -> tuple[Scale, ...]:
        """The networks that draw an image, from the smallest image to the whole."""
        raise NotImplementedError

    def compose_scales(self, images: Tensor, condition: Tensor | None, run: RunNetwork) -> Tensor:
        """A map of images, put together of those of its networks.

        Args:
            images: integer levels `(batch, height, width, channels)`.
            condition: of the model's format; None for none.
            run: computes the map of a network, `(batch, height, width, ...)`.
        """
        raise NotImplementedError

    @property
    def output_distribution(self) -> OutputDistribution:
        """The distribution of a sub-pixel, a function of the parameters that the network gives."""
        raise NotImplementedError

    def output_parameters(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Parameters of the output distribution of every sub-pixel.

        Args:
            images: integer levels `(batch, height, width, channels)`. No gradient flows to them: they are discrete.
            condition: of the model's format; None for none.

        Returns:
            float32 `(batch, height, width, channels, parameters)`; NaN for an image that holds fractions or whose
            condition is out of range.
        """
        raise NotImplementedError

    def log_prob_of(self, targets: Tensor, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Log-probability of each sub-pixel of `targets`, given the earlier sub-pixels of `images`.

        Args:
            targets: integer levels `(batch, height, width, channels)`; the images themselves for their likelihood.
            images: what the network reads, of the same shape.
            condition: of the model's format; None for none.

        Returns:
            nats, float32 `(batch, height, width, channels)`; NaN for a number that is no level.
        """
        return self.output_distribution.log_prob(self.output_parameters(images, condition), targets)

    def call(self, inputs: Structure) -> Tensor:
        images, condition = self.split_inputs(inputs)
        targets = scored_targets(self)
        if targets is not None:
            return -ops.sum(self.log_prob_of(targets, images, condition), axis=(1, 2, 3))
        return self.output_distribution.logits(self.output_parameters(images, condition))

    @property
    def condition_format(self) -> ConditionFormat | None:
        """Shape, dtype and range of the condition of one image; None for a model without."""
        return None if self.conditioner is None else self.conditioner.condition_format(self.image_shape)

    @property
    def num_classes(self) -> int | None:
        """How many classes there are, if the condition is the number of one; None if it is something else."""
        return None if self.conditioner is None else self.conditioner.num_classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, in the order of their labels; None if there are no classes, or they have no names."""
        return None if self.conditioner is None else self.conditioner.class_names

    def split_inputs(self, inputs: Structure) -> tuple[Tensor, Tensor | None]:
        """Images and condition of a call: from images, a pair, or a dictionary of "images" and "condition".

        Returns:
            `(images, condition)`; None for no condition, which otherwise has the dtype of the format.

        Raises:
            ValueError: for other inputs, shapes that do not fit, or, outside a graph, fractions or a condition that is
                out of range.
        """
        images, condition = self._named_inputs(inputs)
        condition = self.convert_condition(condition)
        self.check_inputs(images, condition)
        check_whole(images, "images")
        return images, condition

    def convert_condition(self, condition: TensorLike | None) -> Tensor | None:
        """A condition as a tensor of the dtype of the format; None, and what a model without takes for one, pass.

        Raises:
            ValueError: if it holds other numbers than the conditioner takes, as far as they are known.
        """
        if condition is None or self.condition_format is None:
            return condition
        return self.condition_format.convert(condition)

    def condition_map(self, condition: Tensor | None, dtype: DType) -> Tensor | None:
        """The conditioning map in `dtype` of a condition that `convert_condition` gave; None for none.

        It is `(batch, height, width, condition_features)`, or `(batch, 1, 1, condition_features)` if it is the same
        everywhere.
        """
        return None if condition is None or self.conditioner is None else self.conditioner.map_of(condition, dtype)

    def _named_inputs(self, inputs: Structure) -> tuple[Tensor, Tensor | None]:
        if isinstance(inputs, dict):
            if "images" in inputs and set(inputs) <= {"images", "condition"}:
                return inputs["images"], inputs.get("condition")
            raise ValueError(
                f'Inputs by name must be "images", and "condition" if there is one; got {sorted(map(str, inputs))}.'
            )
        if not isinstance(inputs, list | tuple):
            return inputs, None
        if len(inputs) != 2:
            raise ValueError(
                f"Call the model as model(images) or model([images, condition]); got {len(inputs)} inputs."
            )
        return inputs[0], inputs[1]

    def valid_conditions(self, condition: Tensor | None) -> Tensor | None:
        """Whether each condition is in range, bool `(batch,)`; None where there is none, or every number is.

        In a graph, where nothing can be raised, the logits and the likelihood of an image are NaN where it is not.
        """
        takes = self.condition_format
        return None if takes is None or condition is None else takes.is_valid(condition)

    def check_inputs(self, images: Tensor, condition: Tensor | None, name: str = "images") -> None:
        """Check that the shapes fit, and that there is a condition exactly if the model was made for one.

        Raises:
            ValueError: if not.
        """
        takes = self.condition_format
        if (takes is None) != (condition is None):
            expected = "without: model(images)" if takes is None else "with one: model([images, condition])"
            given = "none was given" if condition is None else "one was given"
            raise ValueError(
                f"This model was made with condition_features={self.condition_features}, and of conditions "
                f"{given}: call it {expected}."
            )
        self.check_shape(name, images, self.image_shape)
        if takes is not None:
            self.check_shape("condition", condition, takes.shape)

    @staticmethod
    def check_shape(name: str, value: Tensor, expected: tuple[int, ...]) -> None:
        """Check that `value` is a batch of the expected shape; unknown sizes pass.

        Raises:
            ValueError: if not, with both shapes.
        """
        shape = tuple(value.shape)
        if len(shape) != len(expected) + 1 or any(n not in (None, m) for n, m in zip(shape[1:], expected, strict=True)):
            raise ValueError(f"{name} must have the shape {(None, *expected)}, None being the batch; got {shape}.")

    def fit(self, x: Structure = None, y: TensorLike | None = None, *arguments: Any, **options: Any) -> Any:
        """`keras.Model.fit`."""
        with self._batches_of_replicas("fit"):
            return super().fit(x, self._weighted_targets(x, y, options), *arguments, **options)

    def evaluate(self, x: Structure = None, y: TensorLike | None = None, *arguments: Any, **options: Any) -> Any:
        """`keras.Model.evaluate`."""
        with self._batches_of_replicas("evaluate"):
            return super().evaluate(x, self._weighted_targets(x, y, options), *arguments, **options)

    def _weighted_targets(self, x: Structure, y: TensorLike | None, options: dict[str, Any]) -> TensorLike | None:
        """The targets; with weights the images, since Keras ignores weights without targets."""
        return self._targets(x, y) if options.get("sample_weight") is not None else y

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

    def compute_output_shape(self, input_shape: Structure) -> Shape:
        """The shape of the logits, from that of images, of a pair or of a dictionary."""
        first = input_shape["images"] if isinstance(input_shape, dict) else input_shape
        batch = first[0][0] if isinstance(first[0], list | tuple) else first[0]
        return (batch, *self.image_shape, self.levels)

    @classmethod
    def from_preset(cls, preset: str | os.PathLike[str], load_weights: bool = True, **overrides: Any) -> Self:
        """Load a pretrained network, or make an untrained one of the paper, by name.

        Args:
            preset: a key of `presets`, or a directory that `save_to_preset` wrote.
            load_weights: load its weights, which travel in the package: nothing is downloaded. False makes an
                untrained network.
            **overrides: arguments of the constructor that replace the preset's. With its weights, only those that
                leave the network as it is: the size of the images, `dtype`, `name`.

        Raises:
            ValueError: if there is no such preset, it has no weights, they are damaged, or an override does not fit.

        Example:

        >>> from pixelrnn_tf import PixelRNN
        >>> PixelRNN.from_preset("mnist_diagonal_bilstm_7x16", load_weights=False).count_params()
        73666
        """
        directory = find_preset(preset)
        if directory is None:
            if cls.presets is None:
                raise ValueError(f"There is no preset {str(preset)!r} of {cls.__name__}: give a preset's directory.")
            arguments = get_preset(str(preset)).arguments
            if load_weights:
                raise ValueError(
                    f"The preset {str(preset)!r} has no weights: pass load_weights=False for an untrained network. "
                    f"Those with weights are: {', '.join(shipped_presets()) or 'none'}."
                )
            return cls(**{**arguments, **overrides})
        serialised = read_config(directory)
        config = serialised["config"]
        if load_weights:
            check_overrides(directory, config, overrides)
        kind = keras.saving.get_registered_object(serialised.get("registered_name")) or cls
        if not issubclass(kind, cls):
            raise ValueError(
                f"The preset {str(preset)!r} is a {kind.__name__}: load it with {kind.__name__}.from_preset."
            )
        model = kind.from_config({**config, **overrides})
        if load_weights:
            read_weights(model, directory)
        return model

    def save_to_preset(self, directory: str | os.PathLike[str], metadata: Config | None = None, card: str = "") -> None:
        """Write the network and its weights as a preset directory, which `from_preset` reads.

        Args:
            directory: made anew, or replaced if it is a preset.
            metadata: what else is known of the network, for metadata.json; JSON-able.
            card: what people should know, in Markdown, for README.md.

        Raises:
            ValueError: if the directory holds something else, or a weight is not finite.
        """
        save_preset(self, directory, metadata or {}, card or f"# {self.name}\n")

    def train_step(self, *arguments: Any) -> Any:
        """The step of Keras, on several replicas of TensorFlow for batches that are divided evenly among them alone.

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

    def compile(self, *arguments: Any, **options: Any) -> None:
        """`keras.Model.compile`.

        With `NegativeLogLikelihood` and `BitsPerDim` only, steps never make the logits: the loss and the metrics get
        nats per image. With any other loss or metric they get the logits.
        """
        super().compile(*arguments, **options)
        given = inspect.signature(keras.Model.compile).bind(self, *arguments, **options).arguments
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

    @contextlib.contextmanager
    def _scoring(self, data: Any) -> Iterator[None]:
        """Let `call` return the nats of each image in a step, if this is all that the loss and the metrics need."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        own = all(getattr(type(self), name) is getattr(ImageModel, name) for name in _STEP_METHODS)
        with scoring(self, self._targets(x, y) if own and self._compiled_for_nats else None):
            yield

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
        return self._named_inputs(x)[0] if y is None and x is not None else y

    def export(
        self, filepath: str | os.PathLike[str], *arguments: Any, input_signature: Any = None, **options: Any
    ) -> Any:
        """`keras.Model.export`, by default for integer images, and for a condition if the model takes one."""
        if input_signature is None:
            images = keras.InputSpec(shape=(None, *self.image_shape), dtype="int32", name="images")
            input_signature = [images]
            if self.condition_format is not None:
                shape, dtype, _ = self.condition_format
                input_signature = [[images, keras.InputSpec(shape=(None, *shape), dtype=dtype, name="condition")]]
        return super().export(filepath, *arguments, input_signature=input_signature, **options)

    def quantize(self, *arguments: Any, **options: Any) -> None:
        """Refused: the layers multiply their kernels by masks, and quantised scores would be of another model.

        Raises:
            NotImplementedError: always, with what to use.
        """
        raise NotImplementedError(
            f"{type(self).__name__} cannot be quantised: its kernels are masked in every call, and the scores would be "
            'those of another model. For less memory make it with dtype="mixed_bfloat16".'
        )
