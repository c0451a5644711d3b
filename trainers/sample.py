"""Draw images from a saved model: `python -m trainers.sample --model=PATH --out=PNG`."""

from absl import flags

from pixelrnn_tf.programs import program
from trainers import drawing

FLAGS = flags.FLAGS

flags.DEFINE_string("model", None, "A .keras file.", required=True)
flags.DEFINE_string("out", None, "PNG file to write.", required=True)
flags.DEFINE_integer("num_images", 16, "Number of images.", lower_bound=1)
flags.DEFINE_float("temperature", 1.0, "What the logits are divided by; below 1 for more likely images.")
flags.DEFINE_integer("seed", 0, "Image k is a function of the seed and k alone.")


def main(_: list[str]) -> None:
    drawing.draw_grid(FLAGS.model, FLAGS.out, FLAGS.num_images, FLAGS.seed, FLAGS.temperature)


if __name__ == "__main__":
    program.run(main)
