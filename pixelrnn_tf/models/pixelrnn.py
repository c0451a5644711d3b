"""PixelRNN: one model with three kinds of block."""

from typing import Any

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.blocks import BLOCKS
from pixelrnn_tf.layers.checks import checked_bool
from pixelrnn_tf.layers.code_embedding import MAX_CODES, CodeEmbedding
from pixelrnn_tf.layers.composition import (
    Apply,
    Composite,
    Part,
    check_part_class,
    elementary_layers,
    on_maps,
    track_each,
)
from pixelrnn_tf.layers.conditioning import Conditioner, conditioner_of, serialized
from pixelrnn_tf.layers.head import Head
from pixelrnn_tf.layers.masked_conv2d import MaskedConv2D
from pixelrnn_tf.layers.outputs import OutputDistribution, make_output
from pixelrnn_tf.models.arguments import MAX_BLOCKS, check_map, check_size, checked_image_shape
from pixelrnn_tf.models.image_model import ImageModel, RunNetwork, Scale
from pixelrnn_tf.models.levels import nan_for_wrong
from pixelrnn_tf.precision import at_least_float32
from pixelrnn_tf.typing import Config, DType, ImageShape, Structure, Tensor, TensorLike


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class PixelRNN(Composite, ImageModel):
    """Autoregressive model of images: Row LSTM, Diagonal BiLSTM or PixelCNN.

    The network is a 7x7 mask A convolution to 2h features, `num_blocks` blocks, and a head. The head computes the
    distribution of every sub-pixel given the earlier ones. With `skips`, it reads the sum of the outputs of all blocks,
    each through a 1x1 mask B convolution.

    Reference: van den Oord, Kalchbrenner, Kavukcuoglu 2016, *Pixel Recurrent Neural Networks*, Table 1.

    Args:
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel, 2 to 256, or to 8,192 with `inputs="codes"`.
        block: "pixel_cnn", "row_lstm" or "diagonal_bilstm".
        num_blocks: number of blocks, at least 1.
        hidden: number h of units of a block, at least `channels`; the maps between blocks have 2h features.
        head_hidden: number of features of the head's two inner convolutions, at least `channels`.
        residual: add the input of a block to its output (paper section 3.3).
        skips: connect every block to the head (section 3.3); otherwise only the last one is connected.
        condition_features: features of a conditioning map that you provide (section 3.6); 0 for none.
        conditioner: layer that makes the conditioning map from something else: `layers.LabelEmbedding` for class
            labels, `layers.Upsampler` for a small image, or your own `layers.Conditioner`. The model uses it, or makes
            a copy in its own dtype policy, with the same weights if it is already built.
        output: distribution over the levels of a sub-pixel: "softmax" (the paper's), or "logistic_mixture", which
            models neighboring levels as similar and has fewer parameters (Salimans et al. 2017, section 2.1).
        mixtures: number of components of a logistic mixture.
        inputs: meaning of the values of a sub-pixel: "levels" of brightness, which the network reads as numbers from -1
            to 1, or "codes" without an order, such as those of a VQ-VAE (van den Oord et al. 2017), of which it reads
            learned vectors of h features (`layers.CodeEmbedding`). Codes require `output="softmax"`.

    Call arguments:
        inputs: images, integers `(batch, height, width, channels)` in `[0, levels)`. A conditional model takes
            `[images, condition]` or `{"images": images, "condition": condition}`, with the input of the conditioner, or
            a float map `(batch, height, width, condition_features)`. The model scales and centers levels itself.
            Numbers that are no levels and conditions out of range raise an error. Inside a graph, the logits of images
            with fractions or such a condition are NaN.

    Output:
        logits, float32 `(batch, height, width, channels, levels)` under every dtype policy.

    Raises:
        ValueError: for invalid arguments or inputs.

    Images are their own targets, so `model.fit(images)` trains.

    Example:

    >>> model = PixelRNN((28, 28, 1), levels=2, block="diagonal_bilstm", num_blocks=7, hidden=16, head_hidden=32)
    >>> model(np.zeros((1, 28, 28, 1), "uint8")).shape
    TensorShape([1, 28, 28, 1, 2])
    """

    parallel_members = ("logits_of_stem_inputs",)

    def __init__(
        self,
        image_shape: ImageShape,
        levels: int,
        block: str,
        num_blocks: int,
        hidden: int,
        head_hidden: int,
        residual: bool = True,
        skips: bool = True,
        condition_features: int = 0,
        conditioner: Conditioner | Config | None = None,
        output: str = "softmax",
        mixtures: int = 5,
        inputs: str = "levels",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.image_shape = checked_image_shape(image_shape)
        if inputs not in ("levels", "codes"):
            raise ValueError(f'inputs must be "levels" or "codes", got {inputs!r}.')
        self.inputs_name = inputs
        self.levels = checked_integer("levels", levels, 2, MAX_CODES if inputs == "codes" else 256)
        self.block = block
        self.num_blocks = checked_integer("num_blocks", num_blocks, 1, MAX_BLOCKS)
        self.hidden = checked_integer("hidden", hidden, 1)
        self.head_hidden = checked_integer("head_hidden", head_hidden, 1)
        self.residual = checked_bool("residual", residual)
        self.skips = checked_bool("skips", skips)
        self.output_name, self.mixtures = output, make_output(output, self.levels, mixtures).mixtures
        self.conditioner = conditioner_of(conditioner, condition_features, self.dtype_policy)
        self.condition_features = 0 if self.conditioner is None else self.conditioner.features
        self._check_together()

        channels, policy = self.image_shape[-1], self.dtype_policy
        hidden, features = self.hidden, self.condition_features
        self.code_embedding = None
        if inputs == "codes":
            self.code_embedding = CodeEmbedding(self.levels, hidden, channels, dtype=policy, name="code_embedding")
        self.stem = MaskedConv2D(2 * hidden, 7, "A", channels, dtype=policy, name="stem")
        self.blocks = [
            BLOCKS[block](hidden, channels, self.residual, features, dtype=policy, name=f"block_{k}")
            for k in range(self.num_blocks)
        ]
        self.skip_convs = [
            MaskedConv2D(2 * hidden, 1, "B", channels, dtype=policy, name=f"skip_{k}")
            for k in range(self.num_blocks if self.skips else 0)
        ]
        self.head = Head(
            self.levels, self.head_hidden, channels, self.output_name, self.mixtures, dtype=policy, name="head"
        )
        track_each(self, [*self.blocks, *self.skip_convs])
        list(elementary_layers(self))  # Raises if a layer cannot generate.
        shape, takes = (None, *self.image_shape), self.condition_format
        self.build(shape if takes is None else [shape, (None, *takes.shape)])
        if isinstance(conditioner, Conditioner) and conditioner.built and self.conditioner is not None:
            self.conditioner.set_weights(conditioner.get_weights())

    def _check_together(self) -> None:
        if not isinstance(self.block, str) or self.block not in BLOCKS:
            raise ValueError(f"block must be one of {sorted(BLOCKS)}, got {self.block!r}.")
        check_part_class(BLOCKS[self.block])
        channels = self.image_shape[-1]
        for name in ("hidden", "head_hidden"):
            if getattr(self, name) < channels:
                raise ValueError(
                    f"{name} must be at least the number of channels, {channels}, so that every color has a "
                    f"feature of its own; got {getattr(self, name)}."
                )
        if self.inputs_name == "codes" and self.output_name != "softmax":
            raise ValueError(
                'inputs="codes" requires output="softmax", since a logistic mixture models neighboring values as '
                f"similar; got output={self.output_name!r}."
            )
        if self.conditioner is not None:
            check_map(self.conditioner, self.image_shape)
        check_size({**self._arguments(), "conditioner": self.conditioner})

    def build(self, input_shape: Structure = None) -> None:
        """Create all weights; the constructor calls it. `input_shape` is ignored: the arguments define all shapes."""
        if self.built:
            return
        features = (None, *self.image_shape[:2], 2 * self.hidden)
        if self.code_embedding is not None:
            self.code_embedding.build((None, *self.image_shape))
        height, width, channels = self.image_shape
        self.stem.build((None, height, width, channels * (1 if self.code_embedding is None else self.hidden)))
        for layer in self.parts[1:]:
            layer.build(features)
        if self.conditioner is not None and self.condition_format is not None:
            self.conditioner.build((None, *self.condition_format.shape))

    def build_from_config(self, config: Config) -> None:
        """Do nothing: the constructor creates all weights. Keras would record the shapes of the last build."""

    @property
    def output_distribution(self) -> OutputDistribution:
        return self.head.output_distribution

    def output_parameters(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        condition_map = None if self.conditioner is None else self.conditioner(condition)
        inputs = self.stem_inputs(ops.stop_gradient(images))
        parameters = ops.cast(self.compose(inputs, on_maps(condition_map)), "float32")
        return nan_for_wrong(parameters, images, self.valid_conditions(condition))

    def scales(self) -> tuple[Scale, ...]:
        return (Scale(self, 1),)

    def compose_scales(self, images: Tensor, condition: Tensor | None, run: RunNetwork) -> Tensor:
        return run(self, images, condition)

    def stem_inputs(self, images: TensorLike, dtype: DType | None = None) -> Tensor:
        """Compute what the first convolution reads of images or pixels, in the compute dtype by default.

        Args:
            images: integers `(..., channels)` in `[0, levels)`.
            dtype: a float dtype.

        Returns:
            levels scaled to [-1, 1], `(..., channels)` (paper section 5.2), or embedded codes,
            `(..., channels * hidden)`.
        """
        dtype = dtype or self.compute_dtype
        if self.code_embedding is not None:
            return self.code_embedding.embed(images, dtype)
        return ops.cast(ops.cast(images, at_least_float32(dtype)) * (2.0 / (self.levels - 1)) - 1.0, dtype)

    def logits_of_stem_inputs(self, inputs: Tensor, condition: Tensor | None = None) -> Tensor:
        """Compute the logits from the results of `stem_inputs` and `condition_map`.

        They are float32, or float64 under the dtype policy "float64".
        """
        return self.output_distribution.logits(self.compose(inputs, on_maps(condition)))

    @property
    def parts(self) -> list[Part]:
        return [self.stem, *self.blocks, *self.skip_convs, self.head]

    def compose(self, x: Tensor, apply: Apply) -> Tensor:
        x = apply(self.stem, x)
        skip_sum = 0.0
        for k, block in enumerate(self.blocks):
            x = apply(block, x)
            if self.skips:
                skip_sum = skip_sum + apply(self.skip_convs[k], x)
        return apply(self.head, skip_sum if self.skips else x)

    def _arguments(self) -> Config:
        return {
            "image_shape": self.image_shape,
            "levels": self.levels,
            "block": self.block,
            "num_blocks": self.num_blocks,
            "hidden": self.hidden,
            "head_hidden": self.head_hidden,
            "residual": self.residual,
            "skips": self.skips,
            "condition_features": self.condition_features,
            "output": self.output_name,
            "mixtures": self.mixtures,
            "inputs": self.inputs_name,
        }

    def get_config(self) -> Config:
        # Serialized separately: Keras loads TensorFlow to serialize a layer, which JAX users do not need.
        return {**super().get_config(), **self._arguments(), "conditioner": serialized(self.conditioner)}
