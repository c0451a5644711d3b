"""The output layers: what saves them sees all of them, under the names that files have."""

import h5py
import keras
import numpy as np
import tensorflow as tf

from pixelrnn_tf.layers import Head
from tests.support.networks import randomize


def test_a_checkpoint_of_tensorflow_holds_every_weight(tmp_path):
    head, twin = Head(5, 6, 3), Head(5, 6, 3)
    for layer in (head, twin):
        layer.build((None, 4, 4, 8))
    randomize(head)
    tf.train.Checkpoint(head=twin).read(tf.train.Checkpoint(head=head).write(tmp_path / "head")).assert_consumed()
    for ours, theirs in zip(head.get_weights(), twin.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_the_weights_keep_their_names_in_a_file(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 8)), Head(5, 6, 3)])
    model.save_weights(tmp_path / "head.weights.h5")
    names = []
    with h5py.File(tmp_path / "head.weights.h5") as file:
        file.visit(names.append)
    for name in ("inner/masked_conv2d/vars/0", "inner/masked_conv2d_1/vars/1", "logits/vars/0"):
        assert f"layers/head/{name}" in names
    assert not [name for name in names if "inner_0" in name]
