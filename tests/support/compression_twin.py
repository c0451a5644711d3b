"""Run in a process of its own by test_elsewhere.py: decodes files, with the model made anew, as the environment says.

Arguments: a folder with `given.pickle` (of each model its configuration, weights, condition and file), and the number
of threads of TensorFlow, or 0. Leaves the images in `decoded.pickle`.
"""

import pathlib
import pickle
import sys

import keras

from pixelrnn_tf.compression import Codec


def main(folder: pathlib.Path, threads: int) -> None:
    if threads:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    decoded = []
    for config, weights, condition, data in pickle.loads((folder / "given.pickle").read_bytes()):
        model = keras.saving.deserialize_keras_object(config)
        model.set_weights(weights)
        decoded.append(Codec(model).decode(data, condition))
    if keras.backend.backend() == "jax":
        # And the other way round: what is encoded here is decoded by TensorFlow.
        encoded = Codec(model).encode(decoded[-1].images, condition).data
        (folder / "encoded.bin").write_bytes(encoded)
    (folder / "decoded.pickle").write_bytes(pickle.dumps([tuple(images) for images in decoded]))


main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
