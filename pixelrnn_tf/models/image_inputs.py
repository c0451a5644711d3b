"""Inputs of an image model: images and, for a conditional model, a condition."""

from pixelrnn_tf.backend import with_shape
from pixelrnn_tf.layers.conditioning import Conditioner, ConditionFormat
from pixelrnn_tf.models.levels import check_levels
from pixelrnn_tf.typing import DType, ImageShape, Structure, Tensor, TensorLike


class ImageInputs:
    """Images, or images and a condition, which only the conditioner interprets.

    Attributes:
        image_shape: `(height, width, channels)`.
        levels: number of values of a sub-pixel.
        inputs_name: "levels" if these values are levels of brightness, "codes" if they have no order.
        condition_features: features of the conditioning map; 0 for none.
        conditioner: layer that makes the conditioning map from a condition; None for an unconditional model.
    """

    image_shape: ImageShape
    levels: int
    inputs_name: str = "levels"
    condition_features: int = 0
    conditioner: Conditioner | None = None

    @property
    def condition_format(self) -> ConditionFormat | None:
        """Shape, dtype and range of the condition of one image; None for an unconditional model."""
        return None if self.conditioner is None else self.conditioner.condition_format(self.image_shape)

    @property
    def num_classes(self) -> int | None:
        """Number of classes if the condition is a class label; None otherwise."""
        return None if self.conditioner is None else self.conditioner.num_classes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, in the order of their labels; None if there are no classes, or they have no names."""
        return None if self.conditioner is None else self.conditioner.class_names

    def split_inputs(self, inputs: Structure) -> tuple[Tensor, Tensor | None]:
        """Split the inputs of a call: images, a pair, or a dictionary of "images" and "condition".

        Returns:
            `(images, condition)`; the condition has the dtype of the format, or is None.

        Raises:
            ValueError: for other inputs or shapes that do not fit; outside a graph also for numbers that are no levels,
                or a condition out of range.
        """
        images, condition = self.named_inputs(inputs)
        condition = self.convert_condition(condition)
        self.check_inputs(images, condition)
        check_levels(images, self.levels, "images")
        return self.with_known_shapes(images, condition)

    def with_known_shapes(self, images: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Give checked inputs the model's shapes where a dataset does not tell them, as with decoded PNG files."""
        takes = self.condition_format
        known = condition if takes is None or condition is None else with_shape(condition, takes.shape)
        return with_shape(images, self.image_shape), known

    def convert_condition(self, condition: TensorLike | None) -> Tensor | None:
        """Convert a condition to a tensor in the dtype of the format; pass None and unconditional inputs through.

        Raises:
            ValueError: if its values are known and the conditioner does not take them.
        """
        if condition is None or self.condition_format is None:
            return condition
        return self.condition_format.convert(condition)

    def condition_map(self, condition: Tensor | None, dtype: DType) -> Tensor | None:
        """Compute the conditioning map in `dtype` from the result of `convert_condition`; None for none.

        Its shape is `(batch, height, width, condition_features)`, or `(batch, 1, 1, condition_features)` if it is the
        same at every pixel.
        """
        return None if condition is None or self.conditioner is None else self.conditioner.map_of(condition, dtype)

    def named_inputs(self, inputs: Structure) -> tuple[Tensor, Tensor | None]:
        """Split the inputs of a call without checks.

        Raises:
            ValueError: for other names than "images" and "condition", or another number of inputs.
        """
        if isinstance(inputs, dict):
            if "images" in inputs and set(inputs) <= {"images", "condition"}:
                return inputs["images"], inputs.get("condition")
            raise ValueError(
                f'Inputs by name are "images" and, for conditional models, "condition"; got {sorted(map(str, inputs))}.'
            )
        if not isinstance(inputs, list | tuple):
            return inputs, None
        if len(inputs) != 2:
            raise ValueError(
                f"Call the model as model(images) or model([images, condition]); got {len(inputs)} inputs."
            )
        return inputs[0], inputs[1]

    def valid_conditions(self, condition: Tensor | None) -> Tensor | None:
        """Return, for each condition, if it is in range: bool `(batch,)`; None without a condition to check.

        In a graph, which cannot raise errors, the logits and the likelihood of an image with an invalid condition are
        NaN.
        """
        takes = self.condition_format
        return None if takes is None or condition is None else takes.is_valid(condition)

    def check_inputs(self, images: Tensor, condition: Tensor | None, name: str = "images") -> None:
        """Check the shapes and batch sizes, and that a condition is given if and only if the model takes one.

        Raises:
            ValueError: if the check fails.
        """
        takes = self.condition_format
        if (takes is None) != (condition is None):
            expected = "without one: model(images)" if takes is None else "with one: model([images, condition])"
            given = "none was given" if condition is None else "one was given"
            raise ValueError(
                f"This model has condition_features={self.condition_features}, but for the condition {given}: call it "
                f"{expected}."
            )
        self.check_shape(name, images, self.image_shape)
        if takes is not None and condition is not None:
            self.check_shape("condition", condition, takes.shape)
            check_batches(**{name: images, "condition": condition})

    @staticmethod
    def check_shape(name: str, value: Tensor, expected: tuple[int, ...]) -> None:
        """Check that `value` is a batch of the expected shape; unknown sizes pass.

        Raises:
            ValueError: if it is not.
        """
        shape = tuple(value.shape)
        if len(shape) != len(expected) + 1 or any(n not in (None, m) for n, m in zip(shape[1:], expected, strict=True)):
            raise ValueError(f"{name} must have the shape {(None, *expected)}, None being the batch; got {shape}.")


def check_batches(**values: Tensor) -> None:
    """Check that all inputs with known batch size have the same.

    Raises:
        ValueError: if they have not.
    """
    sizes = {name: value.shape[0] for name, value in values.items()}
    if len({size for size in sizes.values() if size is not None}) > 1:
        given = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ValueError(f"All inputs must have the same batch size; got {given}.")
