"""Time training, sampling and serving: `python -m trainers.benchmark [--parts=training,loop,growth,sampling,serving]`.

training   steps of the networks of the paper's sizes, beside a baseline and beside what a plain product reaches
loop       the loop of `trainers.train` beside Keras's `fit`
growth     steps for growing images and depth
sampling   drawing a batch of --preset for growing images, beside a naive sampler
serving    the latency of every signature of --preset as exported, and the size of the export

Everything that is compared runs in one process, in turns where it can; figures of different runs, on machines that do
other things too, compare with nothing. Leaves benchmark.json and growth.png in --out.
"""

import pathlib

import tensorflow as tf
from absl import flags

from pixelrnn_tf.models import PixelRNN, get_preset
from pixelrnn_tf.programs import program
from pixelrnn_tf.programs.files import write_json
from trainers import model_flags
from trainers.benchmarks import growth, loop_vs_fit, sampling, serving, training
from trainers.benchmarks.memory import reserve_block

FLAGS = flags.FLAGS
PARTS = ("training", "loop", "growth", "sampling", "serving")

model_flags.define_model_flags("mnist_diagonal_bilstm_7x16")
flags.DEFINE_list("parts", list(PARTS), f"What to time, of {', '.join(PARTS)}.")
flags.DEFINE_string("out", "runs/benchmark", "Folder for benchmark.json and growth.png.")
flags.DEFINE_integer("rounds", 7, "Rounds of training steps; medians are printed.", lower_bound=1)
flags.DEFINE_list("sizes", ["14", "28", "56", "112x28"], "Sizes of the images drawn: HEIGHTxWIDTH, or one for both.")
flags.DEFINE_integer("batch_size", 16, "Images drawn per batch.", lower_bound=1)
flags.DEFINE_enum("jit_compile", "both", ["true", "false", "both"], "Whether XLA compiles the samplers.")
flags.DEFINE_integer("repeats", 5, "Batches drawn and requests served; medians are printed.", lower_bound=1)
flags.DEFINE_integer("naive_pixels", 5, "Sub-pixels the naive sampler is timed for; 0 leaves it out.", lower_bound=0)


def _network(preset: str, **changes) -> dict:
    return {**get_preset(preset).arguments, **changes}


# Networks of the training part and their batch sizes; the last column: whether to run what they are compared with.
NETWORKS = [
    (_network("mnist_diagonal_bilstm_7x16"), 16, True),
    (_network("mnist_diagonal_bilstm_7x16", block="row_lstm"), 16, True),
    (_network("mnist_diagonal_bilstm_7x16", block="pixel_cnn", num_blocks=15), 16, True),
    (_network("mnist_diagonal_bilstm_1x32"), 16, True),
    (_network("mnist_diagonal_bilstm_1x32", image_shape=(32, 32, 3), levels=256), 4, True),
    (_network("cifar10_diagonal_bilstm"), 4, False),
]


def main(_: list[str]) -> None:
    unknown = sorted(set(FLAGS.parts) - set(PARTS))
    if unknown:
        raise ValueError(f"--parts has {', '.join(unknown)}; it may have {', '.join(PARTS)}.")
    devices = [device.name for device in tf.config.list_logical_devices()]
    print(f"TensorFlow {tf.__version__} on {', '.join(devices)}")
    reserve_block()
    results = {"tensorflow": tf.__version__, "devices": devices}
    arguments = _network(FLAGS.preset, **model_flags.model_arguments(FLAGS))
    out = pathlib.Path(FLAGS.out)
    functions = (time_training, time_loop, time_growth, time_sampling, time_serving)
    for part, function in zip(PARTS, functions, strict=True):
        if part not in FLAGS.parts:
            continue
        print(flush=True)
        results[part] = function(arguments, out)
        write_json(out / "benchmark.json", results)
    print(f"\n{out / 'benchmark.json'}")


def time_training(_: dict, __: pathlib.Path) -> list[dict]:
    print(f"training steps, medians of {FLAGS.rounds}\n{training.HEADER}", flush=True)
    results = []
    for arguments, batch_size, beside in NETWORKS:
        results.append(training.time_network(arguments, batch_size, FLAGS.rounds, beside))
        print(training.row(results[-1]), flush=True)
    return results


def time_loop(_: dict, __: pathlib.Path) -> dict[str, float]:
    return loop_vs_fit.print_rates(_network("mnist_diagonal_bilstm_1x32"), 16, FLAGS.rounds)


def time_growth(_: dict, out: pathlib.Path) -> list[dict]:
    print(f"growth of training steps, h = 16, batch 4, medians of {FLAGS.rounds}", flush=True)
    rows = growth.time_growth(16, 4, FLAGS.rounds)
    growth.print_growth(rows)
    growth.plot_growth(rows, out / "growth.png")
    return rows


def time_sampling(arguments: dict, _: pathlib.Path) -> list[dict]:
    _print_network(arguments)
    modes = {"true": [True], "false": [False], "both": [False, True]}[FLAGS.jit_compile]
    return sampling.run(
        arguments, [_size(size) for size in FLAGS.sizes], FLAGS.batch_size, modes, FLAGS.repeats, FLAGS.naive_pixels
    )


def time_serving(arguments: dict, _: pathlib.Path) -> dict:
    _print_network(arguments)
    times = serving.time_signatures(PixelRNN(**arguments), repeats=FLAGS.repeats)
    serving.print_times(times)
    return {"signatures": [vars(row) for row in times.rows], "bytes": times.size}


def _size(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--sizes has {text!r}; a size is HEIGHTxWIDTH, such as 112x28, or one number for both.")
    return int(parts[0]), int(parts[-1])


def _print_network(arguments: dict) -> None:
    print(
        f"{arguments['block']} {arguments['num_blocks']}x{arguments['hidden']}, {arguments['levels']} levels",
        flush=True,
    )


if __name__ == "__main__":
    program.run(main)
