"""Options of the commands of `export.client`."""

import dataclasses
import pathlib

from pixelrnn_cli.flags import check, option
from pixelrnn_cli.image_files import find_images
from pixelrnn_cli.shared_options import images_option, label_option, temperature_option, vector_option

PORTS = {"rest": 8501, "grpc": 8500}
OTHER_PICTURES = (".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".npy")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Server, model and protocol."""

    model: str = option("Name of the model on the server.")
    server: str | None = option("HOST:PORT; by default localhost and the port of the protocol.", None)
    protocol: str = option("The interface of the server.", "rest", choices=tuple(PORTS))
    version: int | None = option("Version of the model; by default the latest.", None, at_least=0, at_most=2**63 - 1)
    timeout: float = option("Seconds after which an attempt ends.", 60.0, above=0, at_most=86_400)
    wait: float = option(
        "Seconds for which a call is retried while the server is unreachable, busy, slow or loading the model.",
        120.0,
        at_least=0,
        at_most=86_400,
    )
    retries: int | None = option(
        "Maximum number of retries; by default as many as --wait allows.", None, at_least=0, at_most=1_000_000
    )
    batch_size: int = option("Images per request.", 16, at_least=1, at_most=4096)
    condition: pathlib.Path | None = option(
        "The condition of all images, such as a map (height, width, features).", None, endings=(".npy",)
    )
    label: str | None = label_option("The class of all images, for a class-conditional model.")
    vector: tuple[float, ...] | None = vector_option("The numbers of all images, for a model that takes a vector.")

    def __post_init__(self):
        check(self)
        if not self.model.strip() or (self.server is not None and not self.server.strip()):
            raise ValueError("--model must be a name, and --server HOST:PORT; one of them is empty.")
        if self.num_conditions > 1:
            raise ValueError("Pass only one of --condition, --label and --vector.")

    @property
    def num_conditions(self) -> int:
        """Number of flags that give a condition."""
        return sum(value is not None for value in (self.condition, self.label, self.vector))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions(ServerOptions):
    """Images to score."""

    images: tuple[str, ...] = images_option("PNG files of the model's size, 8-bit gray or RGB.")

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "images", tuple(map(str, find_images(self.images))))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyOptions(ScoreOptions):
    """Images to classify."""

    def __post_init__(self):
        super().__post_init__()
        if self.num_conditions:
            raise ValueError("classify predicts the class: omit --label, --vector and --condition.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawOptions(ServerOptions):
    """Parameters of drawing, and output."""

    out: pathlib.Path = option(
        "A .png file, with a grid of the images; or a new or empty folder, with one file per image."
    )
    temperature: float = temperature_option()
    seed: int = option("Image k depends only on the seed and k.", 0, at_least=-(2**63), at_most=2**63 - 1)

    @property
    def is_picture(self) -> bool:
        """True if all images go into one picture."""
        return self.out.suffix.lower() == ".png"

    def __post_init__(self):
        super().__post_init__()
        if self.out.suffix.lower() in OTHER_PICTURES:
            raise ValueError(
                f"--out must be a .png file or a folder, got {self.out}: pictures are written as PNG files."
            )
        if self.out.exists() and self.out.is_dir() == self.is_picture:
            raise ValueError(
                f"{self.out} is {'a folder' if self.is_picture else 'a file'} already; choose another --out."
            )
        if self.out.is_dir() and any(self.out.iterdir()):
            raise ValueError(f"{self.out} is not empty; choose another folder.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions(DrawOptions):
    """Number of images to draw."""

    num_images: int = option("Number of images.", 16, at_least=1, at_most=100_000)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompleteOptions(DrawOptions):
    """Images to complete."""

    images: tuple[str, ...] = images_option("PNG files of the model's size, 8-bit gray or RGB.")
    mask: str = option(
        "Pixels to hide: lower_half, upper_half, right_half, left_half, center, or a PNG file that is black where "
        "pixels are hidden.",
        "lower_half",
    )
    num_samples: int = option("Completions of each image.", 6, at_least=1, at_most=10_000)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "images", tuple(map(str, find_images(self.images))))
