"""Map the bits of each pixel: `python -m trainers.surprise --model=PATH --data=...|--images=... --out=FOLDER`.

Writes surprise.png, which shows each image next to its map in bits per pixel on one color scale, and scores.csv. The
columns are nats, bits/dim, the bits per sub-pixel of a lossless coder (complexity), and two scores that are larger for
more unusual images: bits/dim minus complexity, and, with --background, bits/dim minus those of a background network
(ratio).

With --restore, every sub-pixel of more bits than --threshold is drawn again, given the restored ones before it. This
writes restored.png, with each image before and after and its redrawn pixels, and restored.npz, with the arrays images,
redrawn, levels, and the labels or vectors of a conditional model. Pass all of its images to other programs with
--data=npz:FOLDER/restored.npz --split=all.
"""

import dataclasses
import pathlib
import shlex
from typing import TYPE_CHECKING, Any

from pixelrnn_cli import program
from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import check, option, options_in
from pixelrnn_cli.image_files import find_images
from pixelrnn_cli.shared_options import SPLITS, images_option

if TYPE_CHECKING:
    import numpy as np

    from pixelrnn_tf.models import PixelRNN


@dataclasses.dataclass(frozen=True)
class Options:
    """Images, model and output."""

    model: pathlib.Path = option("A .keras file, or the name of a preset with weights.")
    out: pathlib.Path = option("Folder for surprise.png and scores.csv.", written="folder")
    images: tuple[str, ...] = images_option("PNG files of the model's size, instead of --data.", default=())
    background: pathlib.Path | None = option(
        "A background network for the likelihood ratio: a .keras file, or a preset.", None
    )
    restore: bool = option("Restore the images: draw the sub-pixels above --threshold again.", False)
    threshold: float | None = option(
        "Bits of a sub-pixel above which --restore draws it again; default log2(levels) + 6.", None, at_least=0
    )
    seed: int = option("Seed of --restore.", 0, at_least=0, at_most=2**63 - 1)
    split: str = option("Split of --data.", "test", choices=SPLITS)
    num_images: int = option("Number of images of --data, from the first.", 16, at_least=1, at_most=100_000)
    batch_size: int = option("Images per pass.", 64, at_least=1, at_most=100_000)
    data: DataConfig | None = options_in(DataConfig, given_by="data")

    def __post_init__(self):
        check(self)
        if (self.data is None) == (not self.images):
            raise ValueError("Pass either --data or --images.")
        if self.images:
            object.__setattr__(self, "images", tuple(map(str, find_images(self.images))))
        if self.threshold is not None and not self.restore:
            raise ValueError("--threshold belongs to --restore, which is not given.")


def main(options: Options) -> None:
    from pixelrnn_tf.evaluation import surprise_maps
    from pixelrnn_tf.models.loading import load_model
    from pixelrnn_tf.pictures import png_files

    model = load_model(options.model)
    background = load_model(options.background, "--background") if options.background else None
    if background is not None:
        surprise_maps.check_same_images(model, background)
    names, images, condition = _from_files(model, options) if options.images else _from_data(model, options)
    bits = surprise_maps.bits_per_pixel(model, images, condition, options.batch_size)
    nats = surprise_maps.log_probs(model, images, condition, options.batch_size)
    by_background = None
    if background is not None:
        by_background = surprise_maps.log_probs(background, images, batch_size=options.batch_size)
    pictures = surprise_maps.as_bytes(images, model.levels)
    surprise_maps.write_scores(options.out / "scores.csv", names, images, nats, by_background)
    if pictures.shape[-1] in (1, 3):
        png_files.write(options.out / "surprise.png", surprise_maps.picture(pictures, bits))
    most = f"at most {bits.max():.2f} bits in a pixel"
    print(f"{len(images)} images: {-nats.mean():.2f} nats per image, {most}: {shlex.quote(str(options.out))}")
    if options.restore:
        _restore(model, images, condition, options)


def _restore(model: "PixelRNN", images: "np.ndarray", condition: "np.ndarray | None", options: Options) -> None:
    """Write restored.png and restored.npz."""
    import numpy as np

    from pixelrnn_tf.evaluation import surprise_maps
    from pixelrnn_tf.evaluation.batched_sampling import restore_images
    from pixelrnn_tf.files import written_beside
    from pixelrnn_tf.pictures import grids, png_files

    threshold = np.log2(model.levels) + 6 if options.threshold is None else options.threshold
    restored, redrawn = restore_images(model, images, threshold, options.seed, options.batch_size, condition)
    with written_beside(options.out / "restored.npz") as beside:
        levels, given = restored.astype(images.dtype), _condition_arrays(model, condition)
        np.savez_compressed(beside, images=levels, redrawn=redrawn, levels=model.levels, **given)
    if images.shape[-1] in (1, 3):
        before, after = (surprise_maps.as_bytes(levels, model.levels) for levels in (images, restored))
        png_files.write(options.out / "restored.png", grids.restoration_panel(before, redrawn, after))
    share = f"{redrawn.mean():.2%} of the sub-pixels had more than {threshold:g} bits and were drawn again"
    print(f"{share}: {shlex.quote(str(options.out / 'restored.npz'))}")


def _condition_arrays(model: "PixelRNN", condition: "np.ndarray | None") -> dict[str, Any]:
    """Arrays of an npz file that hold the conditions of the images, as `pixelrnn_tf.data.load` reads them."""
    import numpy as np

    takes = model.condition_format
    if condition is None or takes is None:
        return {}
    if model.num_classes is not None:
        # All classes, since the few images may lack some.
        names = model.class_names or [str(k) for k in range(model.num_classes)]
        return {"labels": condition, "class_names": np.array(names)}
    low, high = (np.broadcast_to(bound, condition.shape[1:]) for bound in takes.bounds)
    return {"vectors": condition, "vector_range": np.stack([low, high])}


def _from_files(model: "PixelRNN", options: Options) -> "tuple[list[str], np.ndarray, None]":
    """Read the names and levels of PNG files.

    Raises:
        ValueError: for a file that does not fit, or a conditional model.
    """
    import numpy as np

    from pixelrnn_tf.data import to_levels
    from pixelrnn_tf.pictures import png_files

    if model.condition_format is not None:
        raise ValueError("The model takes a condition, but --images have none: use --data.")
    height, width, channels = model.image_shape
    pictures = []
    for name in options.images:
        picture = png_files.read(name, channels)
        if picture.shape[:2] != (height, width):
            raise ValueError(
                f"{name} is {picture.shape[0]}x{picture.shape[1]}; the model's images are {height}x{width}."
            )
        pictures.append(picture)
    return list(options.images), np.asarray(to_levels(np.stack(pictures), model.levels)), None


def _from_data(model: "PixelRNN", options: Options) -> "tuple[list[str], np.ndarray, np.ndarray | None]":
    """Load the first images of a split with names, and their classes for a conditional model."""
    from pixelrnn_tf.programs import model_files

    data = model_files.images_for(model, options.model, options.data, options.split)
    images, condition = data.first(options.split, options.num_images)
    return [f"{data.split(options.split).name}/{k}" for k in range(len(images))], images, condition


def run() -> None:
    """Run the program on the flags of the command line."""
    program.run(main, Options)


if __name__ == "__main__":
    run()
