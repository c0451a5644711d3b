"""Complete occluded images: `python -m trainers.complete --model=PATH --out=PNG [--mask=lower_half]`.

Each row of the picture holds an image, what was known of it, and completions. Without --data, the images are
those the model was trained on, as the `model.json` beside it says.

A pixel is drawn given the known and drawn pixels before it in raster order. So completing a lower part is
drawing from the model's conditional distribution; where pixels are known below or to the right of the occluded
part, those are kept but were not looked at, and what was drawn before them may not fit them.
"""

from absl import flags

from pixelrnn_tf import sampling
from pixelrnn_tf.programs import data_flags, model_files, occlusion, program
from trainers import drawing
from trainers.pictures import completion_panel, write_png

FLAGS = flags.FLAGS

data_flags.define_data_flags(default=None)
flags.DEFINE_string("model", None, "A .keras file.", required=True)
flags.DEFINE_string("out", None, "PNG file to write.", required=True)
flags.DEFINE_string("mask", "lower_half", f"Occluded part: {', '.join(occlusion.NAMES)}, or a PNG file, black there.")
flags.DEFINE_string("split", "test", "Split whose first images are completed.")
flags.DEFINE_integer("num_images", 8, "Number of images.", lower_bound=1)
flags.DEFINE_integer("num_samples", 6, "Completions of each image.", lower_bound=1)
flags.DEFINE_float("temperature", 1.0, "What the logits are divided by; below 1 for more likely images.")
flags.DEFINE_integer("seed", 0, "Seed of the completions.")


def main(_: list[str]) -> None:
    sampling.check_temperature(FLAGS.temperature)
    model = model_files.load_model(FLAGS.model)
    known = occlusion.known_pixels(FLAGS.mask, *model.image_shape[:2])
    data = data_flags.data_config(FLAGS, default=lambda: model_files.trained_on(FLAGS.model)).load()
    model_files.check_fit(model, data)
    images = next(data.batches(FLAGS.split, FLAGS.num_images).as_numpy_iterator())
    completed = drawing.complete(model, images, known, FLAGS.num_samples, FLAGS.seed, FLAGS.temperature)
    write_png(FLAGS.out, completion_panel(images, known, completed, model.levels))
    print(
        f"{FLAGS.num_samples} completions of {len(images)} images of {data.name}, {FLAGS.split}, "
        f"{FLAGS.mask} occluded, at temperature {FLAGS.temperature:g}: {FLAGS.out}"
    )


if __name__ == "__main__":
    program.run(main)
