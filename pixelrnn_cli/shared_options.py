"""Options shared by several programs."""

from typing import Any

from pixelrnn_cli.flags import option

# Splits of the images that a program reads.
SPLITS = ("train", "validation", "test", "all")
# More images than a server usually accepts in one request.
LARGEST_BATCH = 4096


def temperature_option() -> Any:
    """Declare a field `temperature`, with the bounds of `pixelrnn_tf.sampling.check_temperature`."""
    return option("Divide the logits by this; less than 1 draws more likely images.", 1.0, at_least=1e-30, at_most=1e30)


def label_option(help: str) -> Any:
    """Declare a field `label`, the name of a class."""
    return option(f"{help} Its name, or its number if the model's classes have no names.", None)


def vector_option(help: str) -> Any:
    """Declare a field `vector`, the numbers of a condition."""
    return option(help, None, form="numbers, such as 2.3,-0.5")


def images_option(help: str, **more: Any) -> Any:
    """Declare a field `images`, a tuple of files; pass its value to `image_files.find_images`."""
    return option(help, form="files, folders or patterns, such as a.png,folder,b*.png", files=True, **more)


def batch_sizes_option(default: tuple[int, ...]) -> Any:
    """Declare a field `batch_sizes`; call `check_batch_sizes` on its value."""
    return option("Images per request.", default, form="positive integers, such as 1,16")


def check_batch_sizes(sizes: tuple[int, ...]) -> None:
    """Check the value of `batch_sizes`.

    Raises:
        ValueError: if one is out of bounds, or the tuple is empty.
    """
    if not sizes or not all(0 < size <= LARGEST_BATCH for size in sizes):
        given = ",".join(map(str, sizes)) or "none"
        raise ValueError(f"--batch_sizes must be positive integers of at most {LARGEST_BATCH}, got {given}.")
