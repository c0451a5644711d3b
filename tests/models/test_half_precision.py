"""Half precision is for the network: what goes into it, levels, codes and conditions, keeps its own precision."""

import keras
import numpy as np
import pytest

from pixelrnn_tf.layers import LabelEmbedding, VectorEmbedding
from pixelrnn_tf.models import MultiScalePixelRNN, PixelRNN, log_prob
from tests.support.networks import random_images, randomize

half = pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])


def conditional(policy, low, high, seed=0):
    vectors = VectorEmbedding(1, 4, low=low, high=high)
    return randomize(PixelRNN((4, 4, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=vectors, dtype=policy), seed)


@half
@pytest.mark.parametrize(("low", "high"), [(1990.0, 2020.0), (0.0, 2e5)])
def test_conditions_in_a_narrow_or_wide_range_stay_distinct(policy, low, high):
    condition = np.linspace(low, high, 31, dtype="float32")[:, None]
    images = np.zeros((31, 4, 4, 1), "uint8")
    model, exact_model = conditional(policy, low, high), conditional("float32", low, high)
    model.set_weights(exact_model.get_weights())
    scores, exact = (np.array(log_prob(network, images, condition)) for network in (model, exact_model))
    assert np.allclose(scores, exact, rtol=0.03), "in bfloat16 the year 1990 was 1992, and in float16 1e5 infinite"
    assert len(np.unique(scores)) > 20


@half
def test_a_condition_at_its_bound_is_in_range(policy):
    model = conditional(policy, 0.0, 0.3)
    model.compile("sgd")
    inputs = {"images": random_images(model, 3), "condition": np.array([[0.1], [0.3], [0.0]], "float32")}
    assert np.isfinite(np.array(model(inputs))).all()
    assert np.isfinite(model.predict(inputs, verbose=0)).all()
    assert np.isfinite(model.evaluate(inputs, verbose=0))


@half
def test_codes_given_as_floats_are_the_same_codes(policy):
    model = randomize(PixelRNN((3, 3, 1), 8192, "pixel_cnn", 1, 4, 4, inputs="codes", dtype=policy))
    codes = np.array([8191, 5001, 2049, 257, 255, 3, 2, 1, 0]).reshape(1, 3, 3, 1)
    assert np.array_equal(np.array(model(codes)), np.array(model(codes.astype("float32"))))


def test_a_symbolic_call_takes_none_as_the_condition_of_an_unconditional_model():
    model = PixelRNN((4, 4, 1), 2, "pixel_cnn", 1, 4, 4)
    assert model([keras.Input((4, 4, 1)), None]).shape == (None, 4, 4, 1, 2)


@half
def test_symbolic_logits_have_the_dtype_of_the_real_ones(policy):
    labels = LabelEmbedding(3, 4)
    for model, inputs in [
        (PixelRNN((4, 4, 1), 2, "pixel_cnn", 1, 4, 4, dtype=policy), keras.Input((4, 4, 1), dtype="uint8")),
        (MultiScalePixelRNN((4, 4, 1), 2, (2, 4), "pixel_cnn", 1, 4, 4, dtype=policy), keras.Input((4, 4, 1))),
        (
            PixelRNN((4, 4, 1), 2, "pixel_cnn", 1, 4, 4, conditioner=labels, dtype=policy),
            {"images": keras.Input((4, 4, 1)), "condition": keras.Input((), dtype="int32")},
        ),
    ]:
        logits = model(inputs)
        assert (logits.dtype, logits.shape) == ("float32", (None, 4, 4, 1, 2))
        assert model.blocks[0].compute_dtype == policy[6:] if isinstance(model, PixelRNN) else True
