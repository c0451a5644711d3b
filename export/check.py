"""Say whether TensorFlow Serving will take an export: `python -m export.check --model_dir=BASE/NAME/1 [--model=PATH]`.

Reads the graphs for what a server cannot or should not run. Then runs every signature, and the warm-up requests,
through the C++ loader that the server uses, in a process of its own: a C++ program without Python where there is
a C++ compiler, else one with XLA disabled. With --model, everything is compared with that `.keras` model;
without, with the export's own logits. Exit status 0 if all is right, and 1 if not.
"""

import sys

from absl import flags

from export.batch_sizes import batch_sizes, define_batch_sizes
from export.serving.versions import version_dir
from pixelrnn_tf.programs import program

FLAGS = flags.FLAGS


def define_flags() -> None:
    flags.DEFINE_string("model_dir", None, "BASE/NAME/VERSION, or BASE/NAME for its newest version.", required=True)
    flags.DEFINE_string("model", None, "The .keras file it was exported from.")
    define_batch_sizes((1, 3, 64))


def main(_: list[str]) -> None:
    sizes = batch_sizes(FLAGS)
    folder = version_dir(FLAGS.model_dir)

    from export.checking.report import check
    from pixelrnn_tf.programs import model_files

    model = model_files.load_model(FLAGS.model) if FLAGS.model else None
    right = check(folder, model, sizes)
    print(f"\n{folder}: {'a server will take it.' if right else 'NOT fit to be served.'}")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    define_flags()
    program.run(main)
