"""Inputs of a model of images: the images, and the condition of a conditional model."""

from pixelrnn_tf.layers.conditioning import Conditioner, ConditionFormat
from pixelrnn_tf.models.levels import check_levels
from pixelrnn_tf.typing import DType, ImageShape, Structure, Tensor, TensorLike


class ImageInputs:
    """Images, or images and a condition, of which only the conditioner knows what it is.

    Attributes:
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel.
        condition_features: features of the conditioning map; 0 for none.
        conditioner: the layer that makes the conditioning map from a condition; None for a model without.
    """

    image_shape: ImageShape
    levels: int
    condition_features: int = 0
    conditioner: Conditioner | None = None

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
            ValueError: for other inputs, shapes that do not fit, or, outside a graph, numbers that are no levels or a
                condition that is out of range.
        """
        images, condition = self.named_inputs(inputs)
        condition = self.convert_condition(condition)
        self.check_inputs(images, condition)
        check_levels(images, self.levels, "images")
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

    def named_inputs(self, inputs: Structure) -> tuple[Tensor, Tensor | None]:
        """Images and condition of a call as they were given, unchecked.

        Raises:
            ValueError: for other names than "images" and "condition", or another number of inputs.
        """
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
