"""Round trips through the codec, at the cost that the likelihood promises."""

import dataclasses
import itertools
import math
from multiprocessing.pool import ThreadPool

import keras
import numpy as np
import pytest

from pixelrnn_tf.compression import Codec, compress, decompress, encoding, model_digest
from pixelrnn_tf.compression import codec as codec_module
from pixelrnn_tf.compression.file_format import Chunk, Header, check_writable, write_file
from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.models import MultiScalePixelRNN, PixelRNN, negative_log_likelihood
from tests.support.networks import BLOCK_NAMES, make_network, random_images, randomize

# What a file has besides its payload: a header, and for its one chunk, of one batch, sizes, checksums, an offset.
HEADER, CHUNK = 47, 13


def make_codec(block="row_lstm", image_shape=(3, 4, 1), seed=0, **arguments):
    arguments = {"levels": 2, "num_blocks": 1, "hidden": 4, "head_hidden": 4, **arguments}
    return Codec(make_network(block, image_shape, seed=seed, **arguments))


def overhead(encoded):
    """Bytes of a file of one chunk that its likelihood does not account for."""
    return len(encoded.data) - HEADER - CHUNK - encoded.model_bits / 8


@pytest.mark.parametrize("number", [1, 5, 16])
@pytest.mark.parametrize("image_shape", [(3, 4, 1), (3, 2, 3)], ids=["gray", "color"])
@pytest.mark.parametrize(("block", "levels"), list(itertools.product(BLOCK_NAMES, (2, 17, 256))))
def test_images_come_back_at_the_cost_of_their_likelihood(block, levels, image_shape, number):
    codec = make_codec(block, image_shape, levels=levels)
    images = random_images(codec.model, number)
    encoded = codec.encode(images)
    assert np.array_equal(codec.decode(encoded.data).images, images)
    # A payload is of whole words, and begins with one; probabilities are multiples of 2^-24.
    assert -1 < overhead(encoded) < 8 + 1e-3 * len(encoded.data)
    expected = negative_log_likelihood(images, codec.model(images))
    np.testing.assert_allclose(encoded.nats, expected, rtol=1e-5)


in_blocks = pytest.mark.parametrize("block", ["pixel_cnn", pytest.param("row_lstm", marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def codec():
    return make_codec(levels=17)


def test_functions_take_any_array_of_levels(codec):
    images = random_images(codec.model, 3)
    data = compress(codec.model, keras.ops.convert_to_tensor(images.astype("float32")))
    assert np.array_equal(decompress(codec.model, data), images)
    assert data == codec.encode(images.astype("int64")).data


def test_no_images_are_a_header(codec):
    data = codec.encode(np.zeros((0, 3, 4, 1), "uint8")).data
    assert len(data) == HEADER
    assert codec.decode(data).images.shape == (0, 3, 4, 1)


def test_many_batches_and_chunks_decode_each_by_itself(codec, monkeypatch):
    monkeypatch.setattr(codec_module, "_IMAGES_PER_BATCH", 4)
    monkeypatch.setattr(codec_module, "_BATCHES_PER_CHUNK", 2)
    monkeypatch.setattr(codec._encoder._scales[0], "_pass_size", 3)
    images, told = random_images(codec.model, 19), []
    data = codec.encode(images, progress=lambda done, of: told.append((done, of))).data
    assert told == [(4, 19), (8, 19), (12, 19), (16, 19), (19, 19)]
    assert np.array_equal(codec.decode(data, progress=lambda *_: told.append(_)).images, images)
    assert told[5:] == told[:5]
    header, chunks = codec_module.read_file(data)
    assert [len(chunk.offsets) for chunk in chunks] == [2, 2, 1]
    for numbers, chunk in reversed(list(zip(header.chunk_ranges(), chunks, strict=True))):
        decoded = codec.decode_chunk(header, numbers, chunk)
        assert np.array_equal(decoded.images, images[numbers.start : numbers.stop])


@in_blocks
def test_a_condition_is_asked_for_again(block):
    codec = make_codec(block, condition_features=2)
    images, rng = random_images(codec.model, 3), np.random.default_rng(1)
    condition = rng.normal(size=(3, 3, 4, 2)).astype("float32")
    data = codec.encode(images, condition).data
    assert np.array_equal(codec.decode(data, condition).images, images)
    with pytest.raises(ValueError, match="condition_features=2"):
        codec.decode(data)
    with pytest.raises(ValueError, match=r"Pass the condition that they were compressed with"):
        codec.decode(data, -3 * condition)
    with pytest.raises(ValueError, match=r"same batch size; got images 3, condition 2"):
        codec.decode(data, condition[:2])


@in_blocks
def test_labels_travel_with_their_images(block):
    codec = make_codec(block, conditioner=LabelEmbedding(10, 3))
    images, labels = random_images(codec.model, 16), np.arange(16) % 10
    encoded = codec.encode(images, labels)
    decoded = codec.decode(encoded.data)
    assert np.array_equal(decoded.images, images)
    assert np.array_equal(decoded.labels, labels)
    assert -1 < overhead(encoded) < 8
    assert encoded.model_bits == pytest.approx(encoded.nats.sum() / math.log(2) + 16 * math.log2(10))
    np.testing.assert_allclose(encoded.nats, negative_log_likelihood(images, codec.model([images, labels])), rtol=1e-5)
    with pytest.raises(ValueError, match="omit `condition`"):
        codec.decode(encoded.data, labels)
    with pytest.raises(ValueError, match="integers from 0 to 9"):
        codec.encode(images, labels + 1)


@in_blocks
def test_the_label_of_a_single_class_takes_no_bits(block):
    codec = make_codec(block, conditioner=LabelEmbedding(1, 3))
    images, labels = random_images(codec.model, 5), np.zeros(5, "int32")
    encoded = codec.encode(images, labels)
    decoded = codec.decode(encoded.data)
    assert np.array_equal(decoded.images, images)
    assert np.array_equal(decoded.labels, labels)
    assert encoded.model_bits == pytest.approx(encoded.nats.sum() / math.log(2))


def test_a_frozen_model_reads_its_files():
    model = make_codec("pixel_cnn", conditioner=LabelEmbedding(3, 2)).model
    digest = model_digest(model)
    model.trainable = False
    assert model.conditioner.get_config()["trainable"] is False
    assert model_digest(model) == digest


@pytest.mark.parametrize(
    ("image_shape", "levels", "scales"), [((6, 4, 1), 2, (3, 6)), ((8, 4, 3), 17, (2, 4, 8))], ids=["gray", "color"]
)
def test_images_of_several_scales_cost_what_the_pixels_of_each_do(image_shape, levels, scales):
    model = MultiScalePixelRNN(image_shape, levels, scales, "row_lstm", 1, 4, 4, upsampler_features=4)
    randomize(model)
    codec, images = Codec(model), random_images(model, 5)
    encoded = codec.encode(images)
    assert np.array_equal(codec.decode(encoded.data).images, images)
    assert -1 < overhead(encoded) < 8
    np.testing.assert_allclose(encoded.nats, negative_log_likelihood(images, model(images)), rtol=1e-5)
    with pytest.raises(ValueError, match="compressed with another model"):
        make_codec(image_shape=image_shape, levels=levels).decode(encoded.data)


@pytest.mark.parametrize("wrong", [17, -1, 0.5, float("nan")])
def test_what_is_no_level_is_refused(codec, wrong):
    images = random_images(codec.model, 2).astype("float32")
    images[1, 2, 0] = wrong
    with pytest.raises(ValueError, match="integers from 0 to 16"):
        codec.encode(images)


def test_images_of_another_shape_are_refused(codec):
    with pytest.raises(ValueError, match=r"images must have the shape \(None, 3, 4, 1\)"):
        codec.encode(np.zeros((2, 4, 3, 1), "uint8"))
    with pytest.raises(ValueError, match="condition_features=0"):
        codec.encode(np.zeros((2, 3, 4, 1), "uint8"), np.zeros((2, 3, 4, 1)))


@pytest.mark.parametrize("value", [np.nan, 1e30])
def test_a_network_without_probabilities_compresses_nothing(value):
    model = make_codec("pixel_cnn", (2, 2, 1)).model
    model.head.logits.bias.assign([value, -value])
    with pytest.raises(FloatingPointError, match="The images cannot be compressed"):
        compress(model, np.zeros((1, 2, 2, 1), "uint8"))


def test_a_file_needs_the_model_that_made_it(codec):
    data = codec.encode(random_images(codec.model, 2)).data
    with pytest.raises(ValueError, match="compressed with another model"):
        make_codec(levels=17, seed=1).decode(data)
    with pytest.raises(ValueError, match="compressed with another model"):
        make_codec("pixel_cnn", levels=17).decode(data)
    with pytest.raises(ValueError, match=r"shape \(3, 4, 1\) with 17 levels; the model takes \(3, 4, 1\) with 2"):
        make_codec(levels=2).decode(data)


def test_the_digest_is_of_what_the_network_computes(codec):
    model = codec.model
    config = model.get_config()
    for change, same in [
        ({"name": "other", "dtype": "float64"}, True),
        ({"residual": False}, False),
        ({"skips": False}, False),
        ({"image_shape": (4, 3, 1)}, False),
    ]:
        other = PixelRNN.from_config({**config, **change})
        if change != {"skips": False}:
            other.set_weights(model.get_weights())
        assert (model_digest(other) == model_digest(model)) == same, change
    other = PixelRNN.from_config(config)
    other.set_weights(model.get_weights())
    assert model_digest(other) == codec.digest
    other.stem.bias.assign_add(np.full(8, 1e-6))
    assert model_digest(other) != codec.digest


def test_the_digest_of_a_network_never_changes():
    model = PixelRNN.from_preset("mnist_diagonal_bilstm_7x16")
    assert model_digest(model).hex() == "cc0beee1a1c936ab49c7898ba29ea579"


def test_there_is_a_grid_for_a_million_large_logits():
    model = make_codec("pixel_cnn", (16, 16, 3), levels=256).model
    model.head.logits.kernel.assign(1000 * model.head.logits.kernel)
    codec, images = Codec(model), random_images(model, 6)
    logits = np.array(model(images))
    assert logits.size > 1e6
    assert 300 < np.abs(logits).max(-1).mean() < 3000
    assert np.array_equal(codec.decode(codec.encode(images).data).images, images)


def test_another_grid_is_taken_where_a_logit_is_near_a_boundary(codec, monkeypatch):
    images = random_images(codec.model, 4)
    data = codec.encode(images).data
    # With so wide a guard few grids are certain.
    monkeypatch.setattr(encoding, "GUARD", 1.8e-6)
    passes, run = [], encoding.IncrementalNetwork.prefill
    monkeypatch.setattr(encoding.IncrementalNetwork, "prefill", lambda *given: passes.append(1) or run(*given))
    monkeypatch.setattr(encoding, "compiled", lambda function, jit_compile=False: function)
    fresh = Codec(codec.model)
    moved = fresh.encode(images).data
    assert len(passes) == 1, "the network ran once, whatever the grid"
    offset = codec_module.read_file(moved)[1][0].offsets[0]
    assert 0 < offset < 256
    assert codec_module.read_file(data)[1][0].offsets == b"\0"
    assert np.array_equal(codec.decode(moved).images, images)


def test_changed_weights_are_noticed(codec):
    images = random_images(codec.model, 2)
    data = codec.encode(images).data
    weights = codec.model.get_weights()
    try:
        codec.model.stem.bias.assign_add(np.full(codec.model.stem.bias.shape, 0.1, "float32"))
        for call in (lambda: codec.encode(images), lambda: codec.decode(data)):
            with pytest.raises(ValueError, match=r"weights of the model have changed.*make a new Codec"):
                call()
    finally:
        codec.model.set_weights(weights)
    assert np.array_equal(codec.decode(data).images, images)


def test_threads_share_a_codec(codec):
    images = [random_images(codec.model, 4, seed) for seed in range(6)]
    files = [codec.encode(part).data for part in images]
    with ThreadPool(3) as pool:
        decoded = pool.map(lambda data: codec.decode(data).images, 2 * files)
    assert all(np.array_equal(a, b) for a, b in zip(decoded, 2 * images, strict=True))


def test_lists_are_compressed_chunk_by_chunk(codec, monkeypatch):
    monkeypatch.setattr(codec_module, "batch_size_of", lambda model: 2)
    monkeypatch.setattr(codec_module, "_BATCHES_PER_CHUNK", 1)
    images = random_images(codec.model, 5)
    data = codec.encode(images.tolist()).data
    chunks = list(codec.decode_chunks(data))
    assert [len(chunk.images) for chunk in chunks] == [2, 2, 1]
    assert np.array_equal(np.concatenate([chunk.images for chunk in chunks]), images)


def test_a_header_asks_for_no_more_than_the_encoder_writes(codec):
    header = codec_module.read_header(codec.encode(random_images(codec.model, 1)).data)
    for name in ("batch_size", "chunk_batches"):
        larger = dataclasses.replace(header, **{name: getattr(header, name) + 1})
        with pytest.raises(ValueError, match="header of the file is damaged"):
            codec.decode(write_file(larger, [Chunk(b"\0", 0, b"")]))


def test_images_that_no_file_can_describe_are_refused():
    header = Header(bytes(16), (65_536, 1, 1), 2, images=1, batch_size=1, chunk_batches=1, condition=0)
    with pytest.raises(ValueError, match=r"sides up to 65,535.*got 1 images of the shape \(65536, 1, 1\)"):
        check_writable(header)
    with pytest.raises(ValueError, match="up to 255 channels"):
        check_writable(dataclasses.replace(header, image_shape=(1, 1, 256)))
    check_writable(dataclasses.replace(header, image_shape=(65_535, 1, 255)))
