"""The masked convolution: numbers worked out by hand, and a twin that computes every tap."""

import keras
import numpy as np
import pytest

from pixelrnn_tf.layers import MaskedConv2D
from tests.support import reference
from tests.support.networks import randomize

RAMP = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)


def ones_conv(mask_type):
    layer = MaskedConv2D(1, 3, mask_type)
    layer.build((None, 3, 3, 1))
    layer.kernel.assign(np.ones(layer.kernel.shape))
    return layer


def test_mask_a_sums_the_pixels_before_this_one():
    # 1 2 3     At 5, say: 1 + 2 + 3 above and 4 on the left.
    # 4 5 6
    # 7 8 9
    expected = [[0, 1, 2], [3, 10, 10], [9, 22, 19]]
    assert np.array(ones_conv("A")(RAMP))[0, ..., 0].tolist() == expected


def test_mask_b_adds_the_pixel_itself():
    expected = [[1, 3, 5], [7, 15, 16], [16, 30, 28]]
    assert np.array(ones_conv("B")(RAMP))[0, ..., 0].tolist() == expected


@pytest.mark.parametrize("kernel_size", [1, 3, (1, 3), (3, 1), (5, 7), 7])
@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_equals_the_full_convolution_with_a_masked_kernel(kernel_size, mask_type):
    layer = MaskedConv2D(8, kernel_size, mask_type, channels=3, gates=2, dtype="float64")
    layer.build((None, 5, 6, 4))
    randomize(layer)
    image = np.random.default_rng(0).normal(size=(1, 5, 6, 4))
    expected = reference.conv2d(image[0], layer.kernel.numpy() * layer.mask, layer.bias.numpy())
    np.testing.assert_allclose(np.array(layer(image))[0], expected, rtol=1e-12, atol=1e-12)


def test_the_mask_holds_whatever_the_kernel_becomes():
    layer = ones_conv("A")
    layer.kernel.assign(np.full(layer.kernel.shape, 1e6))
    changed = RAMP.copy()
    changed[0, 2, 2] = -1.0
    assert np.array_equal(layer(RAMP), layer(changed))


def test_the_bias_of_a_gate_starts_where_it_is_told():
    layer = MaskedConv2D(4, 1, "B", bias_initializer=keras.initializers.Constant(2.0))
    assert np.array(layer(np.zeros((1, 1, 1, 1)))).tolist() == [[[[2.0] * 4]]]


def test_errors_name_what_was_given():
    with pytest.raises(ValueError, match="got the shape"):
        MaskedConv2D(1, 3, "A").build((None, 3, 1))
    with pytest.raises(ValueError, match="cannot be split into 3 colour groups"):
        MaskedConv2D(2, 3, "A", channels=3)
