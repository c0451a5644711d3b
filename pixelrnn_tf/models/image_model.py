"""Base class of image models."""

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
    """One size at which a model draws an image; a `PixelRNN` has one, a multi-scale model several, from small to large.

    Attributes:
        network: a `PixelRNN` for every `stride`-th pixel. The first scale gets the model's condition, every other one
            the image of the previous scale.
        stride: distance between its pixels; 1 for the last scale.
    """

    network: Any
    stride: int


# Computes a map from a network, its images and its condition.
RunNetwork: TypeAlias = Callable[[Any, Tensor, Tensor | None], Tensor]


class ImageModel(ImageTrainer, PresetModel):
    """Base class of image models, whatever their network.

    The inputs are images, or images and a condition. Images are their own targets: `fit(x)` trains on x. The same holds
    for `evaluate`, `train_on_batch` and similar methods.
    """

    def __init__(self, **kwargs: Any):
        # Keras would round levels, codes and conditions given as floats to the compute dtype.
        super().__init__(**{"autocast": False, **kwargs})

    def scales(self) -> tuple[Scale, ...]:
        """Networks that draw an image, from the smallest scale to the full image."""
        raise NotImplementedError

    def compose_scales(self, images: Tensor, condition: Tensor | None, run: RunNetwork) -> Tensor:
        """Combine the maps of all networks into a map of the full images.

        Args:
            images: integer levels `(batch, height, width, channels)`.
            condition: in the model's format; None for none.
            run: computes the map of one network, `(batch, height, width, ...)`.
        """
        raise NotImplementedError

    @property
    def output_distribution(self) -> OutputDistribution:
        """Distribution of a sub-pixel, as a function of the parameters that the network computes."""
        raise NotImplementedError

    def output_parameters(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Compute the parameters of the output distribution of every sub-pixel.

        Args:
            images: integer levels `(batch, height, width, channels)`. No gradient flows to them: they are discrete.
            condition: in the model's format; None for none.

        Returns:
            float32 `(batch, height, width, channels, parameters)`; NaN for images with fractions or with a condition
            out of range.
        """
        raise NotImplementedError

    def log_prob_of(self, targets: Tensor, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Compute the log-probability of each sub-pixel of `targets`, given the earlier sub-pixels of `images`.

        Args:
            targets: integer levels `(batch, height, width, channels)`; pass the images again for their likelihood.
            images: input of the network, of the same shape.
            condition: in the model's format; None for none.

        Returns:
            nats, float32 `(batch, height, width, channels)`; NaN for an invalid level.
        """
        return self.output_distribution.log_prob(self.output_parameters(images, condition), targets)

    def call(self, inputs: Structure) -> Tensor:
        images, condition = self.split_inputs(inputs)
        targets = self.scored_targets()
        if targets is not None:
            return -ops.sum(self.log_prob_of(targets, images, condition), axis=(1, 2, 3))
        return self.output_distribution.logits(self.output_parameters(images, condition))

    def compute_output_spec(self, inputs: Structure, *arguments: Any, **options: Any) -> Any:
        """Symbolic logits, float32 under every dtype policy."""
        shapes = keras.tree.map_structure(lambda value: None if value is None else tuple(value.shape), inputs)
        return keras.KerasTensor(self.compute_output_shape(shapes), dtype="float32")

    def compute_output_shape(self, input_shape: Structure) -> Shape:
        """Shape of the logits, from that of images, of a pair or of a dictionary."""
        first = input_shape["images"] if isinstance(input_shape, dict) else input_shape
        batch = first[0][0] if isinstance(first[0], list | tuple) else first[0]
        return (batch, *self.image_shape, self.levels)

    def export(
        self, filepath: str | os.PathLike[str], *arguments: Any, input_signature: Any = None, **options: Any
    ) -> Any:
        """Export as `keras.Model.export` does, by default for integer images plus, if there is one, a condition."""
        if input_signature is None:
            images = keras.InputSpec(shape=(None, *self.image_shape), dtype="int32", name="images")
            input_signature = [images]
            if (takes := self.condition_format) is not None:
                condition = keras.InputSpec(shape=(None, *takes.shape), dtype=takes.dtype, name="condition")
                input_signature = [[images, condition]]
        return super().export(filepath, *arguments, input_signature=input_signature, **options)

    def quantize(self, *arguments: Any, **options: Any) -> None:
        """Not supported: the masks multiply the kernels in every call, and scores would be those of another model.

        Raises:
            NotImplementedError: always; the message names an alternative.
        """
        raise NotImplementedError(
            f"{type(self).__name__} cannot be quantized: its kernels are masked in every call, and the scores would be "
            'those of another model. To save memory, construct it with dtype="mixed_bfloat16".'
        )
