"""The base class of models of images."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import keras
from keras import ops

from pixelrnn_tf.layers.outputs import OutputDistribution
from pixelrnn_tf.models.image_trainer import ImageTrainer
from pixelrnn_tf.models.preset_model import PresetModel
from pixelrnn_tf.typing import Shape, Structure, Tensor


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


class ImageModel(ImageTrainer, PresetModel):
    """What all models of images have in common, whatever their network.

    The inputs are images, or images and a condition. Images are their own targets: `fit(x)` trains on x, and so do
    `evaluate`, `train_on_batch` and the rest.
    """

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
        targets = self.scored_targets()
        if targets is not None:
            return -ops.sum(self.log_prob_of(targets, images, condition), axis=(1, 2, 3))
        return self.output_distribution.logits(self.output_parameters(images, condition))

    def compute_output_shape(self, input_shape: Structure) -> Shape:
        """The shape of the logits, from that of images, of a pair or of a dictionary."""
        first = input_shape["images"] if isinstance(input_shape, dict) else input_shape
        batch = first[0][0] if isinstance(first[0], list | tuple) else first[0]
        return (batch, *self.image_shape, self.levels)

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
        """Refused: the layers multiply their kernels by masks, and quantized scores would be of another model.

        Raises:
            NotImplementedError: always, with what to use.
        """
        raise NotImplementedError(
            f"{type(self).__name__} cannot be quantized: its kernels are masked in every call, and the scores would be "
            'those of another model. For less memory make it with dtype="mixed_bfloat16".'
        )
