"""Datasets that do not tell the sizes of their images, as those of decoded PNG files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.models import BitsPerDim, log_prob
from tests.support.networks import BLOCK_NAMES, make_network, random_images

every_block = pytest.mark.parametrize("block", BLOCK_NAMES)


def decoded(images, batch_size):
    files = [tf.io.encode_png(image).numpy() for image in images]
    return tf.data.Dataset.from_tensor_slices(files).map(lambda file: tf.io.decode_png(file, 1)).batch(batch_size)


def compiled(block):
    model = make_network(block, (5, 4, 1))
    model.compile(keras.optimizers.SGD(0.0), metrics=[BitsPerDim()], jit_compile=False)
    return model


@every_block
def test_decoded_pictures_train_and_score_as_arrays_do(block):
    model = compiled(block)
    images = random_images(model, 6)
    dataset = decoded(images, 3)
    assert dataset.element_spec.shape.as_list() == [None, None, None, 1]
    expected = model.evaluate(images, batch_size=3, verbose=0)
    assert model.evaluate(dataset, verbose=0) == pytest.approx(expected, rel=1e-6)
    assert model.fit(dataset, shuffle=False, verbose=0).history["loss"] == pytest.approx(expected[:1], rel=1e-6)


@every_block
def test_a_graph_for_unknown_sizes_scores_the_images_and_refuses_others(block):
    model = make_network(block, (5, 4, 1))
    images = random_images(model, 3)
    graph = tf.function(lambda x: log_prob(model, x), [tf.TensorSpec((None, None, None, 1), tf.uint8)])
    assert np.allclose(graph(images), log_prob(model, images), rtol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not compatible with expected shape \[\?,5,4,1\]"):
        graph(np.zeros((2, 6, 4, 1), "uint8"))


def test_a_later_batch_of_another_size_is_refused():
    model = compiled("pixel_cnn")
    sizes = tf.TensorSpec((None, None, None, 1), tf.uint8)
    batches = [np.zeros((2, 5, 4, 1), "uint8"), np.zeros((2, 6, 6, 1), "uint8")]
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=sizes)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible with expected shape"):
        model.fit(dataset, shuffle=False, verbose=0)
