"""What other implementations got wrong: each a small broken twin that a test of ours must catch.

The tenth, a wrong unit, has its literal numbers in test_likelihood.py.
"""

import keras
import numpy as np
import pytest
from keras import ops

from pixelrnn_tf.layers import (
    DiagonalBiLSTM,
    MaskedConv2D,
    RowLSTM,
    kernel_mask,
    masked_conv2d,
    recurrence,
    skew,
    skewing,
    unskew,
)
from pixelrnn_tf.layers import masks as masks_module
from pixelrnn_tf.layers.lstm_blocks import LSTMBlock
from pixelrnn_tf.layers.pixel_cnn_block import PixelCNNBlock
from pixelrnn_tf.layers.scan_order import ScanOrder
from pixelrnn_tf.models import NegativeLogLikelihood, PixelRNN
from tests.support import reference
from tests.support.networks import BLOCK_NAMES, make_network, random_images, randomize
from tests.support.receptive_field import check_receptive_field, field_by_gradient

READS_TOO_MUCH = "are read that must not be"
READS_TOO_LITTLE = "visible sub-pixels are not read"


def caught(message, block, image_shape=(12, 16, 1), **arguments):
    with pytest.raises(AssertionError, match=message):
        check_receptive_field(block, 1, image_shape, seeds=2, **arguments)


def down(maps):
    return ops.pad(maps[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))


def not_moved(self, h):
    return h[0] + ops.flip(h[1], axis=2)


def moved_up(self, h):
    return h[0] + ops.pad(ops.flip(h[1], axis=2)[:, 1:], ((0, 0), (0, 1), (0, 0), (0, 0)))


def not_mirrored_back(self, h):
    return h[0] + down(h[1])


@pytest.mark.parametrize(
    ("from_directions", "message"),
    [(not_moved, READS_TOO_MUCH), (moved_up, READS_TOO_MUCH), (not_mirrored_back, READS_TOO_LITTLE)],
)
def test_right_to_left_map_put_back_wrongly(monkeypatch, from_directions, message):
    monkeypatch.setattr(DiagonalBiLSTM, "from_directions", from_directions)
    caught(message, "diagonal_bilstm")


def change_order(monkeypatch, layer_class, **changes):
    order = layer_class.scan_order
    monkeypatch.setattr(layer_class, "scan_order", lambda self, *shape: order(self, *shape)._replace(**changes))


def test_kernel_of_two_padded_at_the_end(monkeypatch):
    monkeypatch.setattr(ScanOrder, "taps", (0, 1))
    caught(READS_TOO_MUCH, "diagonal_bilstm")


def test_reversing_the_map_that_is_already_skewed(monkeypatch):
    def to_steps(maps):
        left, right = (skew(m) for m in (maps[0], ops.flip(maps[1], axis=2)))
        return ops.transpose(ops.stack([left, ops.flip(right, axis=2)]), (3, 0, 1, 2, 4))

    def from_steps(steps):
        left, right = (ops.transpose(steps[:, k], (1, 2, 0, 3)) for k in range(2))
        return ops.stack([unskew(left), ops.flip(unskew(ops.flip(right, axis=2)), axis=2)])

    monkeypatch.setattr(skewing, "images_per_strip", lambda *_: 1)
    change_order(monkeypatch, DiagonalBiLSTM, to_steps=to_steps, from_steps=from_steps)
    caught(READS_TOO_LITTLE, "diagonal_bilstm")


def test_causal_padding_in_the_row_lstm(monkeypatch):
    monkeypatch.setattr(RowLSTM, "taps", 2)
    change_order(monkeypatch, RowLSTM, neighbors=((-1, -1), (-1, 0)))
    caught(READS_TOO_LITTLE, "row_lstm")


def test_images_on_one_strip_that_are_not_kept_apart(monkeypatch):
    model = make_network("diagonal_bilstm", (12, 16, 1))
    images = random_images(model, 12)
    alone = np.concatenate([model(image[None]) for image in images])
    np.testing.assert_allclose(model(images), alone, atol=1e-5)
    order = DiagonalBiLSTM.scan_order(model.blocks[0].lstm, 12, 12, 16)
    first_image_alone = order.reset_mask & (np.arange(len(order.reset_mask))[:, None] < 16)
    change_order(monkeypatch, DiagonalBiLSTM, reset_mask=first_image_alone)
    assert np.abs(np.array(model(images)) - alone).max() > 1e-3


def agrees_with_reference():
    layer = RowLSTM(4, dtype="float64")
    layer.build((None, 3, 4, 2))
    randomize(layer)
    image = np.random.default_rng(0).normal(size=(3, 4, 2))
    conv = layer.input_to_state
    gates = reference.conv2d(image, conv.kernel.numpy() * conv.mask, conv.bias.numpy())
    weights = (layer.state_to_state[0].numpy(), layer.initial_h[0].numpy(), layer.initial_c[0].numpy())
    return np.allclose(np.array(layer(image[None]))[0], reference.row_lstm(gates, *weights))


def broken_cell(split, activations):
    def cell(gates, previous_c):
        o, f, i, g = (activate(x) for activate, x in zip(activations, split(gates), strict=True))
        c = f * previous_c + i * g
        return o * ops.tanh(c), c, (o, f, i, g)

    return cell


SIGMOIDS = (ops.sigmoid, ops.sigmoid, ops.sigmoid)


@pytest.mark.parametrize(
    ("split", "activations"),
    [
        (lambda gates: [gates[..., k::4] for k in range(4)], (*SIGMOIDS, ops.tanh)),
        (lambda gates: ops.split(gates, 4, -1), (*SIGMOIDS, ops.sigmoid)),
        (lambda gates: [ops.split(gates, 4, -1)[k] for k in (0, 1, 1, 3)], (*SIGMOIDS, ops.tanh)),
    ],
    ids=["interleaved gates", "sigmoid of g", "two forget gates"],
)
def test_broken_gates_differ_from_the_reference(monkeypatch, split, activations):
    assert agrees_with_reference()
    monkeypatch.setattr(recurrence, "lstm_cell", broken_cell(split, activations))
    assert not agrees_with_reference()


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_mask_a_that_closes_the_whole_centre(monkeypatch, block):
    def closed(mask_type, kernel_size, *arguments):
        mask = kernel_mask(mask_type, kernel_size, *arguments)
        if mask_type == "A":
            mask[kernel_size[0] // 2, kernel_size[1] // 2] = 0.0
        return mask

    monkeypatch.setattr(masked_conv2d, "kernel_mask", closed)
    caught(READS_TOO_LITTLE, block, (12, 16, 3))


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_unmasked_1x1_convolutions(monkeypatch, block):
    def unmasked(mask_type, kernel_size, *arguments):
        mask = kernel_mask(mask_type, kernel_size, *arguments)
        return np.ones_like(mask) if tuple(kernel_size) == (1, 1) else mask

    monkeypatch.setattr(masked_conv2d, "kernel_mask", unmasked)
    caught(READS_TOO_MUCH, block, (12, 16, 3))


@pytest.mark.parametrize("block", ["row_lstm", "diagonal_bilstm"])
def test_groups_laid_over_the_fused_gates(monkeypatch, block):
    def fused(features, channels, gates):
        return masks_module.feature_groups(features, channels)

    monkeypatch.setattr(masks_module, "gated_feature_groups", fused)
    caught(READS_TOO_MUCH, block, (12, 16, 3))


def masked_at_build_only(self):
    return self.kernel


def convolved_as_it_is(self, x):
    return ops.conv(self.pre_activation(x), self.masked_kernel(), padding="same") + self.bias


def test_masks_applied_once_at_build(monkeypatch):
    expected_to_hold = make_network("pixel_cnn", (8, 8, 1), dtype="float64")
    future = np.triu(np.ones((64, 64), bool))
    assert not (field_by_gradient(expected_to_hold) & future).any()
    monkeypatch.setattr(MaskedConv2D, "masked_kernel", masked_at_build_only)
    monkeypatch.setattr(MaskedConv2D, "call", convolved_as_it_is)
    twin = make_network("pixel_cnn", (8, 8, 1), dtype="float64")
    for layer in twin._flatten_layers():
        if isinstance(layer, MaskedConv2D):
            layer.kernel.assign(layer.kernel * layer.mask)
    assert not (field_by_gradient(twin) & future).any(), "the twin is causal before its first update"
    twin.compile(keras.optimizers.SGD(0.1), loss=NegativeLogLikelihood(), jit_compile=False)
    twin.fit(random_images(twin, 4), random_images(twin, 4), verbose=0)
    assert (field_by_gradient(twin) & future).any()


@pytest.mark.parametrize("block", BLOCK_NAMES)
def test_an_untrained_and_a_trained_network_are_causal(block):
    model = PixelRNN((6, 6, 1), 3, block, 1, 5, 7, dtype="float64")
    future = np.triu(np.ones((36, 36), bool))
    assert not (field_by_gradient(model) & future).any()
    model.compile(keras.optimizers.SGD(0.1), loss=NegativeLogLikelihood(), jit_compile=False)
    images = random_images(model, 8)
    model.fit(images, images, epochs=3, verbose=0)
    assert not (field_by_gradient(model) & future).any()


def test_batch_normalization_mixes_images(monkeypatch):
    def normalized(self, x, apply):
        return original(self, x - ops.mean(x, axis=(0, 1, 2), keepdims=True), apply)

    original = PixelCNNBlock.transform
    images = random_images(make_network("pixel_cnn"), 2)
    for batch_norm in (False, True):
        if batch_norm:
            monkeypatch.setattr(PixelCNNBlock, "transform", normalized)
        model = make_network("pixel_cnn")
        apart = np.allclose(np.array(model(images))[:1], model(images[:1]), atol=1e-5)
        assert apart is not batch_norm


def test_residual_added_once_per_direction(monkeypatch):
    def block_equals_reference():
        model = make_network("diagonal_bilstm", dtype="float64")
        block = model.blocks[0]
        maps = np.random.default_rng(0).normal(size=(1, 5, 6, 10))
        conv = block.lstm.input_to_state
        gates = reference.conv2d(maps[0], conv.kernel.numpy() * conv.mask, conv.bias.numpy())
        weights = [w.numpy() for w in (block.lstm.state_to_state, block.lstm.initial_h, block.lstm.initial_c)]
        h = reference.diagonal_bilstm(gates, *weights)
        expected = maps[0] + reference.conv2d(h, block.up.kernel.numpy(), block.up.bias.numpy())
        return np.allclose(np.array(block(maps))[0], expected)

    assert block_equals_reference()
    original = LSTMBlock.transform
    monkeypatch.setattr(LSTMBlock, "transform", lambda self, x, apply: original(self, x, apply) + down(x))
    assert not block_equals_reference()
