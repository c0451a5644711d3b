"""Codes instead of levels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.compression.codec import Codec
from pixelrnn_tf.compression.file_format import read_header
from pixelrnn_tf.models import PixelRNN, log_prob
from pixelrnn_tf.sampling import generate, image_noise, image_seeds
from pixelrnn_tf.serving.signatures import Signatures
from tests.support.networks import BLOCK_NAMES, all_images, make_network, random_images
from tests.support.noise_intervals import check_intervals


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_probabilities_of_codes_sum_to_one(block):
    model = make_network(block, (2, 2, 2), levels=3, num_blocks=1, inputs="codes")
    probabilities = np.exp(np.array(log_prob(model, all_images((2, 2, 2), 3)), "float64"))
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert probabilities.std() > 0.1 * probabilities.mean()


def test_the_names_of_codes_do_not_matter():
    """Renamed codes have the probability of the others, if the rows that belong to them are renamed too."""
    model = make_network("pixel_cnn", (3, 4, 2), levels=5, inputs="codes", num_blocks=1)
    renamed = np.array([3, 0, 4, 1, 2])
    twin = PixelRNN.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    table = model.code_embedding.embeddings.numpy().reshape(2, 5, -1)
    twin.code_embedding.embeddings.assign(table[:, np.argsort(renamed)].reshape(10, -1))
    for weight, other in zip(model.head.logits.weights, twin.head.logits.weights, strict=True):
        last = weight.numpy().reshape(*weight.shape[:-1], 2, 5)
        other.assign(last[..., np.argsort(renamed)].reshape(weight.shape))
    images = random_images(model, 6)
    np.testing.assert_allclose(log_prob(twin, renamed[images]), log_prob(model, images), rtol=1e-5)
    assert not np.allclose(log_prob(model, renamed[images]), log_prob(model, images), rtol=1e-2)


@pytest.mark.slow
def test_700_codes_are_drawn_completed_and_compressed():
    model = make_network("row_lstm", (3, 4, 2), levels=700, inputs="codes", num_blocks=1)
    noise = np.array(image_noise(image_seeds([0, 1], np.arange(5)), model.image_shape))
    images, nats = generate(model, noise, return_log_prob=True)
    assert np.array(images).max() > 255
    check_intervals(model, images, noise)
    np.testing.assert_allclose(nats, log_prob(model, images), rtol=1e-5)
    known = np.zeros((5, 3, 4), bool)
    known[:, :2] = True
    completed = generate(model, np.roll(noise, 1, axis=0), images, known)
    assert np.array_equal(np.array(completed)[:, :2], np.array(images)[:, :2])
    assert not np.array_equal(completed, images)

    codec = Codec(model)
    encoded = codec.encode(images)
    decoded = codec.decode(encoded.data).images
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, images)
    assert encoded.model_bits < 8 * len(encoded.data) < encoded.model_bits + 8 * 96
    assert (encoded.data[8], read_header(encoded.data).levels) == (2, 700), "two bytes for the number of levels"


def test_few_codes_are_compressed_in_the_first_version_of_the_format():
    model = make_network("pixel_cnn", (3, 4, 1), levels=256, inputs="codes", num_blocks=1)
    images = random_images(model, 3)
    codec = Codec(model)
    data = codec.encode(images).data
    assert data[8] == 1
    assert np.array_equal(codec.decode(data).images, images)


def test_codes_are_served_as_int32_without_pictures():
    model = make_network("pixel_cnn", (3, 4, 1), levels=700, inputs="codes", num_blocks=1)
    signatures = Signatures(model)
    assert set(signatures.inputs) == {
        "score", "serving_default", "logits", "sample", "complete", "surprise", "describe",
    }  # fmt: skip
    images = np.random.default_rng(0).integers(0, 700, (2, 3, 4, 1)).astype("int32")
    score = signatures.function("score")
    np.testing.assert_allclose(score(tf.constant(images))["log_prob"], log_prob(model, images), rtol=1e-5)
    for wrong in (-1, 700):
        with pytest.raises(tf.errors.InvalidArgumentError, match="hold codes from 0 to 699"):
            score(tf.constant(np.full_like(images, wrong)))
    drawn = signatures.function("sample")(tf.constant([[0, 1]]), tf.constant([1.0]))["images"]
    assert drawn.dtype == tf.int32


def test_training_learns_which_code_follows_which():
    """The next code is a fixed permutation of the last: nothing for a scaled number, one look-up for codes."""
    rng = np.random.default_rng(0)
    follower = rng.permutation(40)
    row = [rng.integers(0, 40, 256)]
    for _ in range(3):
        row.append(follower[row[-1]])
    images = np.stack(row, axis=-1)[:, None, :, None]
    nats = {}
    for inputs in ("codes", "levels"):
        keras.utils.set_random_seed(0)
        model = PixelRNN((1, 4, 1), 40, "pixel_cnn", num_blocks=1, hidden=16, head_hidden=16, inputs=inputs)
        model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
        model.fit(images, batch_size=32, epochs=12, verbose=0)
        nats[inputs] = -float(np.mean(log_prob(model, images)))
    assert nats["codes"] < np.log(40) + 1, "the first code is free, the others follow"
    assert nats["levels"] > nats["codes"] + 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": "words"}, 'inputs must be "levels" or "codes"'),
        ({"levels": 257}, "levels must be from 2 to 256, got 257"),
        ({"levels": 8193, "inputs": "codes"}, "levels must be from 2 to 8192, got 8193"),
        ({"inputs": "codes", "output": "logistic_mixture"}, 'requires output="softmax"'),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PixelRNN(
            **{"image_shape": (3, 3, 1), "levels": 4, "block": "pixel_cnn", **arguments},
            num_blocks=1,
            hidden=4,
            head_hidden=4,
        )


def test_8192_codes():
    model = make_network("pixel_cnn", (2, 2, 1), levels=8192, inputs="codes", num_blocks=1)
    images = np.array([0, 8191, 4000, 257]).reshape(1, 2, 2, 1)
    assert float(log_prob(model, images)[0]) < -4 * np.log(100)
