"""Scores of odd images: their arithmetic, their direction, and a coder that any PNG reader confirms."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pixelrnn_tf.models import oddness

SHAPE = (2, 4, 1)


def test_scores_are_in_bits_per_sub_pixel_and_larger_is_odder():
    nats = -8 * np.log(2) * np.array([1.0, 3.0])
    assert oddness.negative_log_likelihood_score(nats, SHAPE).tolist() == pytest.approx([1, 3])
    training = -8 * np.log(2) * np.array([1.0, 2.0])
    assert oddness.typicality(nats, training, SHAPE).tolist() == pytest.approx([0.5, 1.5])
    assert oddness.typicality(training * 0.5, training, SHAPE).min() > 0, "too likely is odd as well"
    assert oddness.likelihood_ratio(nats, training, SHAPE).tolist() == pytest.approx([0, 1])


def test_a_simple_image_is_odd_unless_the_model_finds_it_as_simple():
    images = np.stack([np.zeros((28, 28, 1)), np.random.default_rng(0).integers(0, 256, (28, 28, 1))]).astype("uint8")
    low, high = oddness.complexity(images)
    assert low < 0.2 < 7.9 < high < 8.2
    equal_likelihood = np.full(2, -1000.0)
    scores = oddness.input_complexity_score(equal_likelihood, images)
    assert scores[0] > scores[1]
    nats = oddness.negative_log_likelihood_score(equal_likelihood, (28, 28, 1))
    np.testing.assert_allclose(scores, nats - [low, high])


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_are_those_of_png(channels):
    image = np.random.default_rng(1).integers(0, 256, (5, 7, channels), "uint8")
    for number, rows in enumerate(oddness._filtered(image)):
        lines = b"".join(bytes([number]) + row.tobytes() for row in rows)
        header = struct.pack(">IIBBBBB", 7, 5, 8, 0 if channels == 1 else 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
        file = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
        decoded = np.asarray(Image.open(io.BytesIO(file))).reshape(image.shape)
        assert np.array_equal(decoded, image), number


def test_images_must_be_bytes():
    with pytest.raises(ValueError, match=r"must be uint8 .*got int64 of the shape \(2, 4, 1\)"):
        oddness.complexity(np.zeros((2, 4, 1), int))


def test_scores_are_of_the_same_images():
    with pytest.raises(ValueError, match=r"of the same images.*got \(3,\) and \(1,\)"):
        oddness.likelihood_ratio(np.zeros(3), np.zeros(1), SHAPE)
    with pytest.raises(ValueError, match=r"of the same images.*got \(1,\) and \(3,\)"):
        oddness.input_complexity_score(np.zeros(1), np.zeros((3, *SHAPE), "uint8"))


def test_log_probabilities_are_one_for_each_image():
    flat, column, images = np.zeros(3), np.zeros((3, 1)), np.zeros((3, 2, 2, 1), "uint8")
    for call in (
        lambda: oddness.negative_log_likelihood_score(column, (2, 2, 1)),
        lambda: oddness.likelihood_ratio(flat, column, (2, 2, 1)),
        lambda: oddness.input_complexity_score(column, images),
        lambda: oddness.typicality(flat, column, (2, 2, 1)),
    ):
        with pytest.raises(ValueError, match=r"must have the shape \(batch,\), one per image; got \(3, 1\)"):
            call()
    with pytest.raises(ValueError, match="at least one training image"):
        oddness.typicality(flat, [], (2, 2, 1))
