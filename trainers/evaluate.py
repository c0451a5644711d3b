"""Score a saved model: `python -m trainers.evaluate --model=PATH [--data=...] [--split=test]`.

Prints the exact negative log-likelihood of every image of the split, in nats per image and bits/dim. Without
--data, the images are those the model was trained on, as the `model.json` beside it says.
"""

from absl import flags

from pixelrnn_tf.programs import data_flags, model_files, program
from trainers.evaluation import Evaluator

FLAGS = flags.FLAGS

data_flags.define_data_flags(default=None)
flags.DEFINE_string("model", None, "A .keras file.", required=True)
flags.DEFINE_string("split", "test", "train, validation or test.")
flags.DEFINE_integer("batch_size", 100, "Images per pass.", lower_bound=1)


def main(_: list[str]) -> None:
    model = model_files.load_model(FLAGS.model)
    data = data_flags.data_config(FLAGS, default=lambda: model_files.trained_on(FLAGS.model)).load()
    print(data.describe(), flush=True)
    score = Evaluator(model, FLAGS.batch_size).score(data, FLAGS.split)
    print(f"{FLAGS.split} ({data.splits[FLAGS.split].name}, binarisation {data.binarization}): {score}")


if __name__ == "__main__":
    program.run(main)
