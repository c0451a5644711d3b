"""The Multi-Scale PixelRNN (paper section 3.6): a small image first, then larger ones given it."""

import itertools
from typing import Any

import keras
from keras import ops

from pixelrnn_tf.integers import checked_integer
from pixelrnn_tf.layers.checks import checked_bool
from pixelrnn_tf.layers.composition import track_each
from pixelrnn_tf.layers.outputs import OutputDistribution
from pixelrnn_tf.layers.upsampler import Upsampler, dilations
from pixelrnn_tf.models.arguments import checked_image_shape
from pixelrnn_tf.models.image_model import ImageModel, RunNetwork, Scale
from pixelrnn_tf.models.levels import nan_for_wrong
from pixelrnn_tf.models.pixelrnn import PixelRNN
from pixelrnn_tf.models.scales import every_kth, with_small
from pixelrnn_tf.typing import Config, ImageShape, Structure, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class MultiScalePixelRNN(ImageModel):
    """Autoregressive model of images at several sizes, from small to large.

    A `PixelRNN` models the smallest image, which is every k-th pixel of the full image. Each larger image is modeled by
    a `PixelRNN` that is conditioned on the previous one through an `Upsampler`. Pixels that the small image fixes are
    kept and not counted, so the likelihood is exact:

        log p(x) = log p(small) + the sum of log p(pixel | earlier pixels, small) over the other pixels.

    The model is autoregressive in another order: first the pixels of the small image, then the rest, each in raster
    order. The logits of a sub-pixel are those of the network that counts it.

    Reference: van den Oord et al. 2016, section 3.6.

    Args:
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel, 2 to 256.
        scales: heights of the images from the smallest to the full one, at least two, each a multiple of the previous.
        block, num_blocks, hidden, head_hidden, residual, skips: arguments of every `PixelRNN`.
        upsampler_features: features of the conditioning map of a small image.
        output, mixtures: arguments of every `PixelRNN`.

    Call arguments:
        inputs: images, integer levels `(batch, height, width, channels)` in `[0, levels)`.

    Output:
        logits, float32 `(batch, height, width, channels, levels)` under every dtype policy.

    Raises:
        ValueError: for invalid arguments or inputs.

    Example:

    >>> model = MultiScalePixelRNN((28, 28, 1), 2, scales=(14, 28), block="row_lstm", num_blocks=1, hidden=8,
    ...                            head_hidden=8)
    >>> model(np.zeros((1, 28, 28, 1), "uint8")).shape
    TensorShape([1, 28, 28, 1, 2])
    """

    def __init__(
        self,
        image_shape: ImageShape,
        levels: int,
        scales: tuple[int, ...],
        block: str,
        num_blocks: int,
        hidden: int,
        head_hidden: int,
        residual: bool = True,
        skips: bool = True,
        upsampler_features: int = 32,
        output: str = "softmax",
        mixtures: int = 5,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.image_shape = checked_image_shape(image_shape)
        self.levels = checked_integer("levels", levels, 2, 256)
        self.heights = _checked_scales(scales, self.image_shape)
        self.upsampler_features = checked_integer("upsampler_features", upsampler_features, 1)
        self.block, self.num_blocks, self.hidden, self.head_hidden = block, num_blocks, hidden, head_hidden
        self.output_name, self.mixtures = output, mixtures
        self.residual, self.skips = checked_bool("residual", residual), checked_bool("skips", skips)
        self.networks = [self._network(number) for number in range(len(self.heights))]
        track_each(self, self.networks)
        self.build((None, *self.image_shape))

    def _network(self, number: int) -> PixelRNN:
        """Make the network of a scale, conditioned on the image of the previous scale."""
        shape, upsampler = self._shape(self.heights[number]), None
        if number:
            small = self._shape(self.heights[number - 1])
            factor, policy = shape[0] // small[0], self.dtype_policy
            upsampler = Upsampler(small, self.levels, factor, self.upsampler_features, dtype=policy)
        return PixelRNN(
            shape,
            self.levels,
            self.block,
            self.num_blocks,
            self.hidden,
            self.head_hidden,
            self.residual,
            self.skips,
            conditioner=upsampler,
            output=self.output_name,
            mixtures=self.mixtures,
            dtype=self.dtype_policy,
            name=f"scale_{shape[0]}",
        )

    def _shape(self, height: int) -> ImageShape:
        whole, width, channels = self.image_shape
        return height, width * height // whole, channels

    def scales(self) -> tuple[Scale, ...]:
        whole = self.image_shape[0]
        return tuple(
            Scale(network, whole // height) for network, height in zip(self.networks, self.heights, strict=True)
        )

    @classmethod
    def resized_config(cls, config: Config, image_shape: ImageShape) -> Config:
        height, width, _ = checked_image_shape(image_shape)
        strides = [config["image_shape"][0] // scale for scale in config["scales"]]
        if height % strides[0] or width % strides[0]:
            raise ValueError(
                f"image_shape={image_shape!r}: the smallest image is every {strides[0]}-th pixel, so height and width "
                f"must be multiples of {strides[0]}."
            )
        for stride in strides[:-1]:
            there, now = (
                dilations(shape[0] // stride, shape[1] // stride) for shape in (config["image_shape"], image_shape)
            )
            if there != now:
                most = 2 ** (len(there) + 1)
                raise ValueError(
                    f"image_shape={image_shape!r} does not fit the weights: the number of convolutions of an Upsampler "
                    f"depends on the size of its small image, every {stride}-th pixel. Its longer side must be from "
                    f"{most // 2 + 1 if there else 1} to {most}, not {max(height, width) // stride}."
                )
        return {**config, "image_shape": image_shape, "scales": [height // stride for stride in strides]}

    def build(self, input_shape: Structure = None) -> None:
        """Do nothing: the constructor creates all weights."""

    def build_from_config(self, config: Config) -> None:
        """Do nothing: the constructor creates all weights."""

    @property
    def output_distribution(self) -> OutputDistribution:
        return self.networks[-1].output_distribution

    def output_parameters(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return nan_for_wrong(self.compose_scales(images, condition, PixelRNN.output_parameters), images)

    def compose_scales(self, images: Tensor, condition: Tensor | None, run: RunNetwork) -> Tensor:
        whole = small = None
        for network, stride in self.scales():
            own = every_kth(images, stride)
            of_network = run(network, own, small)
            whole = of_network if whole is None else with_small(of_network, whole)
            # An invalid level has the likelihood NaN already, and must not raise an error here.
            small = ops.clip(ops.cast(own, "int32"), 0, self.levels - 1)
        return whole

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "levels": self.levels,
            "scales": self.heights,
            "block": self.block,
            "num_blocks": self.num_blocks,
            "hidden": self.hidden,
            "head_hidden": self.head_hidden,
            "residual": self.residual,
            "skips": self.skips,
            "upsampler_features": self.upsampler_features,
            "output": self.output_name,
            "mixtures": self.mixtures,
        }


def _checked_scales(scales: Any, image_shape: ImageShape) -> tuple[int, ...]:
    """Convert the heights of the images to Python integers.

    Raises:
        ValueError: if they are not integers, or do not divide each other and the image.
    """
    height, width, _ = image_shape
    try:
        heights = tuple(checked_integer("scales", scale, 1) for scale in scales)
    except TypeError:
        heights = ()
    if len(heights) < 2 or heights[-1] != height:
        raise ValueError(
            f"scales must be at least two heights, the last one that of the images, {height}; got {scales!r}."
        )
    for small, large in itertools.pairwise(heights):
        if large <= small or large % small:
            raise ValueError(
                "scales must increase, each a multiple of the previous one, since the smaller image is every k-th "
                f"pixel of the larger one; got {heights}, where {large} is not a larger multiple of {small}."
            )
    stride = height // heights[0]
    if width % stride:
        raise ValueError(
            f"scales: images of height {heights[0]} are every {stride}-th pixel of images of {height} x {width}, "
            f"but {width} is not a multiple of {stride}."
        )
    return heights
