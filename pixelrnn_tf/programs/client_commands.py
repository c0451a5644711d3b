"""Commands of `export.client`: score, classify, draw and complete images with a served model."""

import pathlib
import shlex
import sys
from collections.abc import Callable, Iterator

import numpy as np

from pixelrnn_cli.client_options import (
    PORTS,
    ClassifyOptions,
    CompleteOptions,
    DrawOptions,
    SampleOptions,
    ScoreOptions,
    ServerOptions,
)
from pixelrnn_tf.files import written_beside
from pixelrnn_tf.pictures import occlusion, png_files
from pixelrnn_tf.pictures.grids import occlusion_panel, square_grid
from pixelrnn_tf.progress import Progress
from pixelrnn_tf.regular_files import read_regular
from pixelrnn_tf.serving import Client, ServingError


def score(options: ScoreOptions) -> None:
    """Print the log-probability of every image."""
    files = _read(options.images)
    with _client(options) as client:
        condition = _condition(options, client)
        results = [client.score_png(files[part], condition(len(files[part]))) for part in _parts(options, len(files))]
    log_prob, bits = (np.concatenate(values) for values in zip(*results, strict=True))
    for path, nats, each in zip(options.images, log_prob, bits, strict=True):
        print(f"{shlex.quote(path)}: log-probability {nats:.3f} nats, {each:.4f} bits/dim")
    if len(files) > 1:
        print(f"mean of {len(files)} images: log-probability {log_prob.mean():.3f} nats, {bits.mean():.4f} bits/dim")


def classify(options: ClassifyOptions) -> None:
    """Print the most probable class of every image, and its marginal log-probability."""
    files = _read(options.images)
    with _client(options) as client:
        results = [client.classify_png(files[part]) for part in _parts(options, len(files))]
        names = client.class_names
    probabilities, log_prob = (np.concatenate(values) for values in zip(*results, strict=True))
    for path, of_classes, nats in zip(options.images, probabilities, log_prob, strict=True):
        best = int(of_classes.argmax())
        name = best if names is None else names[best]
        likely = f"class {name} with probability {of_classes[best]:.3f}"
        print(f"{shlex.quote(path)}: {likely}; log-probability {nats:.3f} nats")


def sample(options: SampleOptions) -> None:
    """Draw images to a picture or a folder."""
    drawn: list[bytes] = []
    with _client(options) as client, Progress("drew", options.num_images) as progress:
        condition = _condition(options, client)
        for part in _parts(options, options.num_images):
            number = part.stop - part.start
            answer = client.sample_png(number, options.seed, options.temperature, condition(number), part.start)
            drawn += answer.images
            progress.update(len(drawn))
        channels = client.image_shape[-1]
    _write(options, [f"{k:04}" for k in range(len(drawn))], drawn, channels)
    print(f"{len(drawn)} images at temperature {options.temperature:g}: {shlex.quote(str(options.out))}")


def complete(options: CompleteOptions) -> None:
    """Complete images; a picture has one row per image: the image, its known part, and completions."""
    files, completed = _read(options.images), []
    total = options.num_samples * len(files)
    with _client(options) as client, Progress("drew", total) as progress:
        condition = _condition(options, client)
        height, width, channels = client.image_shape
        known = occlusion.known_pixels(options.mask, height, width)
        mask = png_files.encode(np.where(known, 255, 0).astype("uint8"))
        for part in _parts(options, total):
            given = [files[k % len(files)] for k in range(part.start, part.stop)]
            masks, conditions = [mask] * len(given), condition(len(given))
            completed += client.complete_png(
                given, masks, options.seed, options.temperature, conditions, part.start
            ).images
            progress.update(len(completed))
    if options.is_picture:
        _write_panel(options, files, known, completed, channels)
    else:
        stems = [f"{k:04}_{pathlib.Path(path).stem}" for k, path in enumerate(options.images)]
        _write(options, [f"{stem}_{k:02}" for k in range(options.num_samples) for stem in stems], completed, channels)
    print(
        f"{options.num_samples} completions of {len(files)} images, {options.mask} occluded, "
        f"at temperature {options.temperature:g}: {shlex.quote(str(options.out))}"
    )


def _client(options: ServerOptions) -> Client:
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


def _read(paths: tuple[str, ...]) -> list[bytes]:
    return [read_regular(path, png_files.MOST_BYTES) for path in paths]


def _parts(options: ServerOptions, total: int) -> Iterator[slice]:
    for start in range(0, total, options.batch_size):
        yield slice(start, min(start + options.batch_size, total))


def _condition(options: ServerOptions, client: Client) -> Callable[[int], np.ndarray | None]:
    """Make a function from a number of images to their conditions."""
    if options.label is not None:
        condition = np.array(_label(str(options.label), client), "int32")
    elif options.vector is not None:
        condition = np.array(options.vector, "float32")
    elif options.condition is None:
        return lambda number: None
    else:
        condition = np.load(options.condition)
        if condition.ndim != 3:
            raise ValueError(
                f"{options.condition} must hold one conditioning map (height, width, features), got an array of shape "
                f"{condition.shape}."
            )
    return lambda number: np.broadcast_to(condition, (number, *condition.shape))


def _label(name: str, client: Client) -> int:
    """Find the label of a class of the served model by its name, or by its number if the classes have no names.

    Raises:
        ValueError: if there is no such class.
    """
    names = client.class_names
    if names is not None and name in names:
        return names.index(name)
    if names is None and name.isascii() and name.isdigit() and int(name) < 2**31:
        return int(name)  # The server checks that the class exists.
    takes = "an integer, since the classes have no names" if names is None else f"one of {', '.join(names)}"
    raise ValueError(f"--label must be {takes}; got {name}.")


def _write(options: DrawOptions, names: list[str], files: list[bytes], channels: int) -> None:
    """Write images: separate files in a folder, a single image to a file, or several to a grid."""
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
