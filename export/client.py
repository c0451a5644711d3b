"""Score, draw, complete and classify images with a served model.

    python -m export.client score --server=HOST:PORT --model=NAME --images=a.png,b.png
    python -m export.client sample --server=HOST:PORT --model=NAME --out=samples.png --num_images=16
    python -m export.client classify --server=HOST:PORT --model=NAME --images=a.png,b.png
    python -m export.client complete --server=HOST:PORT --model=NAME --images=a.png --mask=lower_half --out=panel.png

Images go in and come out as PNG files. `--protocol` is rest (the default, port 8501) or grpc (port 8500);
`python -m export.client sample --help` lists every flag of a command. `Client` is the same from Python:
`from export.client import Client`.
"""

import dataclasses
import importlib
import pathlib
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from export.serving.client import Classes, Client, Drawn, Scores, Surprise
from export.serving.errors import ServingError
from export.serving.retries import LOAD_SECONDS
from pixelrnn_tf.programs import environment, occlusion, png_files, program
from pixelrnn_tf.programs.durations import duration
from pixelrnn_tf.programs.files import written_beside
from pixelrnn_tf.programs.flags import check, option
from pixelrnn_tf.programs.picture_grids import occlusion_panel, square_grid
from pixelrnn_tf.programs.temperature_option import temperature_option

__all__ = ["Classes", "Client", "Drawn", "Scores", "Surprise"]

PORTS = {"rest": 8501, "grpc": 8500}
OTHER_PICTURES = (".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".npy")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Which model to ask, and how."""

    model: str = option("The model's name in the server.")
    server: str | None = option("HOST:PORT; by default localhost and the port of the protocol.", None)
    protocol: str = option("The interface of the server.", "rest", choices=tuple(PORTS))
    version: int | None = option("Version of the model; by default the latest.", None, at_least=0, at_most=2**63 - 1)
    timeout: float = option("Seconds after which an attempt is given up.", 60.0, above=0, at_most=86_400)
    wait: float = option(
        "Seconds for which a call is tried again while the server is away, busy, late or loading the model.",
        LOAD_SECONDS,
        at_least=0,
        at_most=86_400,
    )
    retries: int | None = option(
        "Attempts after the first at most; by default as many as --wait allows.", None, at_least=0, at_most=1_000_000
    )
    batch_size: int = option("Images per request.", 16, at_least=1, at_most=4096)
    condition: pathlib.Path | None = option(
        "The condition of all images, such as a map (height, width, features).", None, endings=(".npy",)
    )
    label: int | None = option(
        "The class of all images, for a class-conditional model.", None, at_least=0, at_most=2**31 - 1
    )

    def __post_init__(self):
        check(self)
        if not self.model.strip() or (self.server is not None and not self.server.strip()):
            raise ValueError("model must be a name, and server HOST:PORT; one of them is empty.")
        if self.condition is not None and self.label is not None:
            raise ValueError("condition and label are two ways to say the same: give one of them.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions(ServerOptions):
    """Which images to score."""

    images: tuple[str, ...] = option("PNG files of the model's size, 8-bit greyscale or RGB.", form="a.png,b.png")

    def __post_init__(self):
        super().__post_init__()
        _check_files(self.images)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyOptions(ScoreOptions):
    """Which images to classify."""

    def __post_init__(self):
        super().__post_init__()
        if self.label is not None or self.condition is not None:
            raise ValueError("classify finds the class: leave out label and condition.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawOptions(ServerOptions):
    """How to draw, and where to."""

    out: pathlib.Path = option("A .png file, in which several images make a grid; or a folder, one file each.")
    temperature: float = temperature_option()
    seed: int = option("Image k is a function of the seed and k alone.", 0, at_least=-(2**63), at_most=2**63 - 1)

    @property
    def is_picture(self) -> bool:
        """Whether all goes into one picture."""
        return self.out.suffix.lower() == ".png"

    def __post_init__(self):
        super().__post_init__()
        if self.out.suffix.lower() in OTHER_PICTURES:
            raise ValueError(f"out must be a .png file or a folder, got {self.out}: pictures are written as PNG files.")
        if self.out.exists() and self.out.is_dir() == self.is_picture:
            raise ValueError(f"{self.out} is {'a folder' if self.is_picture else 'a file'} already; give another out.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions(DrawOptions):
    """How many images to draw."""

    num_images: int = option("Number of images.", 16, at_least=1, at_most=100_000)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompleteOptions(DrawOptions):
    """What to complete."""

    images: tuple[str, ...] = option("PNG files of the model's size, 8-bit greyscale or RGB.", form="a.png,b.png")
    mask: str = option(f"Occluded part: {', '.join(occlusion.NAMES)}, or a PNG file, black there.", "lower_half")
    num_samples: int = option("Completions of each image.", 6, at_least=1, at_most=10_000)

    def __post_init__(self):
        super().__post_init__()
        _check_files(self.images)


def run() -> None:
    """Run the command that comes first on the command line, with the flags it takes."""
    command = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
    if command is None and any(argument in program.HELP for argument in sys.argv):
        program.run(print, ServerOptions, loads_tensorflow=False)  # The flags that the commands share.
        return
    if command not in COMMANDS:
        usage = "python -m export.client score|sample|complete|classify --server=HOST:PORT ..."
        sys.exit(f"Error: write {usage}; got {command!r}.")
    main, options = COMMANDS[command]
    program.run(main, options, loads_tensorflow=False)


def score(options: ScoreOptions) -> None:
    """Print the log-probability of every image."""
    files, condition = _read(options.images), _condition(options)
    with _client(options) as client:
        results = [client.score_png(files[part], condition(len(files[part]))) for part in _parts(options, len(files))]
    log_prob, bits = (np.concatenate(values) for values in zip(*results, strict=True))
    for path, nats, each in zip(options.images, log_prob, bits, strict=True):
        print(f"{path}: log-probability {nats:.3f} nats, {each:.4f} bits/dim")
    if len(files) > 1:
        print(f"mean of {len(files)} images: log-probability {log_prob.mean():.3f} nats, {bits.mean():.4f} bits/dim")


def classify(options: ClassifyOptions) -> None:
    """Print the most probable class of every image, and its log-probability whatever its class."""
    files = _read(options.images)
    with _client(options) as client:
        results = [client.classify_png(files[part]) for part in _parts(options, len(files))]
    probabilities, log_prob = (np.concatenate(values) for values in zip(*results, strict=True))
    for path, of_classes, nats in zip(options.images, probabilities, log_prob, strict=True):
        best = int(of_classes.argmax())
        print(f"{path}: class {best} with probability {of_classes[best]:.3f}; log-probability {nats:.3f} nats")


def sample(options: SampleOptions) -> None:
    """Draw images into a picture or a folder."""
    condition, drawn, start = _condition(options), [], time.monotonic()
    with _client(options) as client:
        for part in _parts(options, options.num_images):
            number = part.stop - part.start
            answer = client.sample_png(number, options.seed, options.temperature, condition(number), part.start)
            drawn += answer.images
            _print_progress(len(drawn), options.num_images, start)
        channels = client.image_shape[-1]
    _write(options, [f"{k:04}" for k in range(len(drawn))], drawn, channels)
    print(f"{len(drawn)} images at temperature {options.temperature:g}: {options.out}")


def complete(options: CompleteOptions) -> None:
    """Complete images; a picture has a row for each: the image, what was known of it, and completions."""
    files, condition = _read(options.images), _condition(options)
    total, completed, start = options.num_samples * len(files), [], time.monotonic()
    with _client(options) as client:
        height, width, channels = client.image_shape
        known = occlusion.known_pixels(options.mask, height, width)
        mask = png_files.encode(np.where(known, 255, 0).astype("uint8"))
        for part in _parts(options, total):
            given = [files[k % len(files)] for k in range(part.start, part.stop)]
            masks, conditions = [mask] * len(given), condition(len(given))
            completed += client.complete_png(
                given, masks, options.seed, options.temperature, conditions, part.start
            ).images
            _print_progress(len(completed), total, start)
    if options.is_picture:
        _write_panel(options, files, known, completed, channels)
    else:
        stems = [f"{k:04}_{pathlib.Path(path).stem}" for k, path in enumerate(options.images)]
        _write(options, [f"{stem}_{k:02}" for k in range(options.num_samples) for stem in stems], completed, channels)
    print(
        f"{options.num_samples} completions of {len(files)} images, {options.mask} occluded, "
        f"at temperature {options.temperature:g}: {options.out}"
    )


COMMANDS: dict[str | None, tuple[Callable[..., None], type]] = {
    "score": (score, ScoreOptions),
    "classify": (classify, ClassifyOptions),
    "sample": (sample, SampleOptions),
    "complete": (complete, CompleteOptions),
}


def _client(options: ServerOptions) -> Client:
    if options.protocol == "grpc":
        with environment.quiet_loading():
            importlib.import_module("export.serving.grpc_transport")  # Its stubs load TensorFlow.
    told = set()

    def tell(error: ServingError) -> None:
        if str(error) not in told:
            told.add(str(error))
            words = f"{str(error).rstrip('.')}; trying again for up to {options.wait:g} s."
            print(words, file=sys.stderr, flush=True)

    return Client(
        options.server or f"localhost:{PORTS[options.protocol]}",
        options.model,
        protocol=options.protocol,
        version=options.version,
        timeout=options.timeout,
        wait=options.wait,
        retries=options.retries,
        notify=tell,
    )


def _check_files(paths: tuple[str, ...]) -> None:
    for path in paths:
        if not path.strip() or not pathlib.Path(path).expanduser().is_file():
            raise ValueError(f"images must be PNG files; there is no file {path!r}.")
    if not paths:
        raise ValueError("images must be PNG files; none is given.")


def _read(paths: tuple[str, ...]) -> list[bytes]:
    return [pathlib.Path(path).expanduser().read_bytes() for path in paths]


def _parts(options: ServerOptions, total: int) -> Iterator[slice]:
    for start in range(0, total, options.batch_size):
        yield slice(start, min(start + options.batch_size, total))


def _condition(options: ServerOptions) -> Callable[[int], np.ndarray | None]:
    """From a number of images to their conditions."""
    if options.label is not None:
        condition = np.array(options.label, "int32")
    elif options.condition is None:
        return lambda number: None
    else:
        condition = np.load(options.condition)
        if condition.ndim != 3:
            raise ValueError(
                f"{options.condition} must hold one conditioning map (height, width, features); it holds an array of "
                f"the shape {condition.shape}."
            )
    return lambda number: np.broadcast_to(condition, (number, *condition.shape))


def _print_progress(done: int, total: int, start: float) -> None:
    elapsed = time.monotonic() - start
    left = elapsed / done * (total - done)
    print(f"drew {done}/{total} images in {duration(elapsed)}, {duration(left)} left", flush=True)


def _write(options: DrawOptions, names: list[str], files: list[bytes], channels: int) -> None:
    """Files of their own into a folder, one image into one file, several into a grid."""
    if not options.is_picture:
        for name, file in zip(names, files, strict=True):
            _write_bytes(options.out / f"{name}.png", file)
    elif len(files) == 1:
        _write_bytes(options.out, files[0])
    else:
        images = np.stack([png_files.decode(file, name, channels) for name, file in zip(names, files, strict=True)])
        png_files.write(options.out, square_grid(images))


def _write_panel(
    options: CompleteOptions, files: list[bytes], known: np.ndarray, completed: list[bytes], channels: int
) -> None:
    original = np.stack(
        [png_files.decode(file, path, channels) for file, path in zip(files, options.images, strict=True)]
    )
    drawn = np.stack([png_files.decode(file, "A completion", channels) for file in completed])
    png_files.write(options.out, occlusion_panel(original, known, drawn.reshape(-1, *original.shape)))


def _write_bytes(path: pathlib.Path, content: bytes) -> None:
    with written_beside(path) as beside:
        beside.write_bytes(content)


if __name__ == "__main__":
    run()
