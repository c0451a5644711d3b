"""The option of every program that draws: its temperature."""

from typing import Any

from pixelrnn_tf.programs.flags import option
from pixelrnn_tf.sampling.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE


def temperature_option() -> Any:
    """A field `temperature` of a dataclass of options: a number within the bounds of sampling, by default 1."""
    return option(
        "What the logits are divided by; below 1 for more likely images.",
        1.0,
        at_least=MIN_TEMPERATURE,
        at_most=MAX_TEMPERATURE,
    )
