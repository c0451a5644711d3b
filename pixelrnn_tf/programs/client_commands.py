"""Commands of `export.client`: score, classify, draw and complete images with a served model."""

import pathlib
import sys
import time
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
from pixelrnn_tf.progress import duration
from pixelrnn_tf.serving import Client, ServingError


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
