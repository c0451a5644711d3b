"""Score, draw and complete images with a served model.

    python -m export.client score --server=HOST:PORT --model=NAME --images=a.png,b.png
    python -m export.client sample --server=HOST:PORT --model=NAME --out=samples.png --num_images=16
    python -m export.client complete --server=HOST:PORT --model=NAME --images=a.png --mask=lower_half --out=panel.png

Images go in and come out as PNG files. `--protocol` is rest (the default, port 8501) or grpc (port 8500);
`python -m export.client sample --help` lists every flag of a command. `Client` is the same from Python:
`from export.client import Client`.
"""

import importlib
import pathlib
import sys
import time
from collections.abc import Iterator

import numpy as np
from absl import flags

from export.serving.client import Client, Drawn, Scores
from pixelrnn_tf.programs import environment, occlusion, png_files, program
from pixelrnn_tf.programs.durations import duration
from pixelrnn_tf.programs.files import written_beside
from pixelrnn_tf.programs.picture_grids import occlusion_panel, square_grid

__all__ = ["Client", "Drawn", "Scores"]

FLAGS = flags.FLAGS


def run() -> None:
    """Run the command that comes first on the command line, with the flags it takes."""
    command = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
    commands = {"score": score, "sample": sample, "complete": complete}
    if command is None and any(argument.startswith("--help") for argument in sys.argv):
        command = "score"  # absl prints the module's docstring, and the flags they all have.
    if command not in commands:
        sys.exit(f"Error: write python -m export.client {'|'.join(commands)} --server=HOST:PORT ...; got {command!r}.")
    _define_flags(command)
    program.run(lambda _: commands[command](), loads_tensorflow=False)


def _define_flags(command: str) -> None:
    flags.DEFINE_string("server", None, "HOST:PORT; by default localhost and the port of the protocol.")
    flags.DEFINE_enum("protocol", "rest", ["rest", "grpc"], "The interface of the server.")
    flags.DEFINE_string("model", None, "The model's name in the server.", required=True)
    flags.DEFINE_integer("version", None, "Version of the model; by default the latest.", lower_bound=0)
    flags.DEFINE_float("timeout", 60.0, "Seconds after which an attempt is given up.")
    flags.DEFINE_integer("retries", 5, "Attempts after the first, when the server is away or late.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 16, "Images per request.", lower_bound=1)
    flags.DEFINE_string("condition", None, ".npy file: a conditioning map (height, width, features) for all images.")
    if command != "sample":
        flags.DEFINE_list("images", None, "PNG files of the model's size, 8-bit greyscale or RGB.", required=True)
    if command != "score":
        flags.DEFINE_string(
            "out", None, "A .png file, in which several images make a grid; or a folder, one file each.", required=True
        )
        flags.DEFINE_float("temperature", 1.0, "What the logits are divided by; below 1 for more likely images.")
        flags.DEFINE_integer("seed", 0, "Image k is a function of the seed and k alone.")
    if command == "sample":
        flags.DEFINE_integer("num_images", 16, "Number of images.", lower_bound=1)
    if command == "complete":
        flags.DEFINE_string(
            "mask", "lower_half", f"Occluded part: {', '.join(occlusion.NAMES)}, or a PNG, black there."
        )
        flags.DEFINE_integer("num_samples", 6, "Completions of each image.", lower_bound=1)


def _client() -> Client:
    if FLAGS.protocol == "grpc":
        with environment.quiet_loading():
            importlib.import_module("export.serving.grpc_transport")  # Its stubs load TensorFlow.
    server = FLAGS.server or {"rest": "localhost:8501", "grpc": "localhost:8500"}[FLAGS.protocol]
    return Client(
        server,
        FLAGS.model,
        protocol=FLAGS.protocol,
        version=FLAGS.version,
        timeout=FLAGS.timeout,
        retries=FLAGS.retries,
    )


def score() -> None:
    """Print the log-probability of every image."""
    client, files = _client(), _read(FLAGS.images)
    results = [client.score_png(files[part], _condition(len(files[part]))) for part in _parts(len(files))]
    log_prob, bits = (np.concatenate(values) for values in zip(*results, strict=True))
    for path, nats, each in zip(FLAGS.images, log_prob, bits, strict=True):
        print(f"{path}: log-probability {nats:.3f} nats, {each:.4f} bits/dim")
    if len(files) > 1:
        print(f"mean of {len(files)} images: log-probability {log_prob.mean():.3f} nats, {bits.mean():.4f} bits/dim")


def sample() -> None:
    """Draw images into a picture or a folder."""
    client, drawn, start = _client(), [], time.monotonic()
    for part in _parts(FLAGS.num_images):
        number = part.stop - part.start
        drawn += client.sample_png(number, FLAGS.seed, FLAGS.temperature, _condition(number), part.start).images
        _print_progress(len(drawn), FLAGS.num_images, start)
    _write([f"{k:04}" for k in range(len(drawn))], drawn, client)
    print(f"{len(drawn)} images at temperature {FLAGS.temperature:g}: {FLAGS.out}")


def complete() -> None:
    """Complete images; a picture has a row for each: the image, what was known of it, and completions."""
    client, files = _client(), _read(FLAGS.images)
    height, width, channels = client.image_shape
    known = occlusion.known_pixels(FLAGS.mask, height, width)
    mask = png_files.encode(np.where(known, 255, 0).astype("uint8"))
    total, completed, start = FLAGS.num_samples * len(files), [], time.monotonic()
    for part in _parts(total):
        given = [files[k % len(files)] for k in range(part.start, part.stop)]
        masks, condition = [mask] * len(given), _condition(len(given))
        completed += client.complete_png(given, masks, FLAGS.seed, FLAGS.temperature, condition, part.start).images
        _print_progress(len(completed), total, start)
    if _is_picture():
        _write_panel(files, known, completed, channels)
    else:
        stems = [f"{k:04}_{pathlib.Path(path).stem}" for k, path in enumerate(FLAGS.images)]
        _write([f"{stem}_{k:02}" for k in range(FLAGS.num_samples) for stem in stems], completed, client)
    print(
        f"{FLAGS.num_samples} completions of {len(files)} images, {FLAGS.mask} occluded, "
        f"at temperature {FLAGS.temperature:g}: {FLAGS.out}"
    )


def _read(paths: list[str]) -> list[bytes]:
    return [pathlib.Path(path).read_bytes() for path in paths]


def _parts(total: int) -> Iterator[slice]:
    for start in range(0, total, FLAGS.batch_size):
        yield slice(start, min(start + FLAGS.batch_size, total))


def _condition(number: int) -> np.ndarray | None:
    if FLAGS.condition is None:
        return None
    condition = np.load(FLAGS.condition)
    return np.broadcast_to(condition, (number, *condition.shape))


def _print_progress(done: int, total: int, start: float) -> None:
    elapsed = time.monotonic() - start
    left = elapsed / done * (total - done)
    print(f"drew {done}/{total} images in {duration(elapsed)}, {duration(left)} left", flush=True)


def _is_picture() -> bool:
    return FLAGS.out.lower().endswith(".png")


def _write(names: list[str], files: list[bytes], client: Client) -> None:
    """Files of their own into a folder, one image into one file, several into a grid."""
    out = pathlib.Path(FLAGS.out)
    if not _is_picture():
        for name, file in zip(names, files, strict=True):
            _write_bytes(out / f"{name}.png", file)
    elif len(files) == 1:
        _write_bytes(out, files[0])
    else:
        channels = client.image_shape[-1]
        images = np.stack([png_files.decode(file, name, channels) for name, file in zip(names, files, strict=True)])
        _write_bytes(out, png_files.encode(square_grid(images)))


def _write_panel(files: list[bytes], known: np.ndarray, completed: list[bytes], channels: int) -> None:
    original = np.stack(
        [png_files.decode(file, path, channels) for file, path in zip(files, FLAGS.images, strict=True)]
    )
    drawn = np.stack([png_files.decode(file, "A completion", channels) for file in completed])
    panel = occlusion_panel(original, known, drawn.reshape(-1, *original.shape))
    _write_bytes(FLAGS.out, png_files.encode(panel))


def _write_bytes(path: str | pathlib.Path, content: bytes) -> None:
    with written_beside(path) as beside:
        beside.write_bytes(content)


if __name__ == "__main__":
    run()
